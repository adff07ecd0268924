import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetCommit } from '../../protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../protocol/messages/offset-fetch.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { BrokerError, FencedMemberError, UnknownTopicError } from '../errors.ts'
import { coordinatorMoved } from './group-member.ts'

/** An offset of a group: that of the next record to read. */
export interface GroupOffset extends TopicPartition {
  readonly offset: number
  readonly metadata?: string | null
}

/** In whose name offsets are committed; null: as somebody from outside, which only works while the group is empty. */
export type CommittingMember = { readonly generationId: number; readonly memberId: string } | null

/** From version 8 on groups are asked for in lots. */
const lastSingleGroupVersion = 7

const refusedToMember: ReadonlySet<number> = new Set([
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.FENCED_INSTANCE_ID,
  errorCodes.REBALANCE_IN_PROGRESS,
])

function byTopic<T extends TopicPartition>(partitions: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const partition of partitions) {
    const known = topics.get(partition.topic)
    if (known === undefined) topics.set(partition.topic, [partition])
    else known.push(partition)
  }
  return topics
}

/**
 * Commits offsets of a group. Coordinators that move or cannot be reached are tried again until the signal fires.
 * `check` runs before each attempt: what it throws ends them.
 * @throws FencedMemberError when the member's generation has ended, UnknownTopicError when a topic is gone (the others are
 * committed), BrokerError, or the signal's reason.
 */
export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  member: CommittingMember,
  offsets: readonly GroupOffset[],
  { signal, check }: { readonly signal?: AbortSignal | undefined; readonly check?: () => void } = {},
): Promise<void> {
  if (offsets.length === 0) return
  const request = {
    groupId,
    generationIdOrMemberEpoch: member?.generationId ?? -1,
    memberId: member?.memberId ?? '',
    topics: [...byTopic(offsets)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata ?? '',
      })),
    })),
  }
  await cluster.retrying(`commit offsets of group ${groupId}`, { signal }, async () => {
    check?.()
    const answer = await atCoordinator(cluster, groupId, signal, (nodeId) =>
      cluster.sendTo(nodeId, offsetCommit, request, { signal }),
    )
    const missing = answer.topics.filter(({ partitions }) =>
      partitions.some(({ errorCode }) => errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION),
    )
    if (missing.length > 0) await refuseDeleted(cluster, missing, signal)
    for (const { name, partitions } of answer.topics)
      for (const { partitionIndex, errorCode } of partitions)
        checkCommit(cluster, groupId, { topic: name, partition: partitionIndex }, errorCode)
  })
}

/** A coordinator does not know a topic: either it has not heard of it yet, or nobody has it any more. */
async function refuseDeleted(
  cluster: Cluster,
  topics: readonly { readonly name: string }[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const names = topics.map(({ name }) => name)
  await cluster.refreshMetadata(names, { signal })
  const gone = names.find((name) => !cluster.metadata.topics.has(name))
  if (gone !== undefined) throw new UnknownTopicError(gone)
}

function checkCommit(cluster: Cluster, groupId: string, partition: TopicPartition, code: number): void {
  if (code === errorCodes.NONE) return
  const what = `committing ${formatTopicPartition(partition)} of group ${groupId}`
  if (refusedToMember.has(code)) throw new FencedMemberError(code, what)
  if (coordinatorMoved.has(code)) cluster.forgetCoordinator(groupId)
  throw new BrokerError(code, what)
}

/**
 * The committed offsets of a group, by topic and partition; partitions without one are left out. Null asks for all that there are.
 * @throws BrokerError, or the signal's reason.
 */
export async function fetchOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  signal?: AbortSignal,
): Promise<(GroupOffset & { readonly metadata: string })[]> {
  if (partitions !== null && partitions.length === 0) return []
  const asked =
    partitions === null
      ? null
      : [...byTopic(partitions)].map(([name, ofTopic]) => ({
          name,
          partitionIndexes: ofTopic.map(({ partition }) => partition),
        }))
  const request = { groupId, topics: asked, groups: [], requireStable: true }
  const answer = await cluster.retrying(`read the offsets of group ${groupId}`, { signal }, async () => {
    const answer = await atCoordinator(cluster, groupId, signal, (nodeId) =>
      cluster.sendTo(nodeId, offsetFetch, request, { signal, maxVersion: lastSingleGroupVersion }),
    )
    checkFetch(cluster, groupId, answer)
    return answer
  })
  const topics = answer.topics.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      .filter(({ committedOffset }) => committedOffset >= 0)
      .map(({ partitionIndex, committedOffset, metadata }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        metadata: metadata ?? '',
      })),
  )
}

function checkFetch(cluster: Cluster, groupId: string, answer: ResponseOf<typeof offsetFetch>): void {
  const codes = [answer.errorCode, ...answer.topics.flatMap(({ partitions }) => partitions.map((p) => p.errorCode))]
  const code = codes.find((candidate) => candidate !== errorCodes.NONE)
  if (code === undefined) return
  if (coordinatorMoved.has(code)) cluster.forgetCoordinator(groupId)
  throw new BrokerError(code, `reading the offsets of group ${groupId}`)
}

/** Asks the coordinator; one that cannot be reached is forgotten. */
export async function atCoordinator<T>(
  cluster: Cluster,
  groupId: string,
  signal: AbortSignal | undefined,
  action: (nodeId: number) => Promise<T>,
): Promise<T> {
  const nodeId = await cluster.coordinatorOf(groupId, signal)
  try {
    return await action(nodeId)
  } catch (error) {
    cluster.forgetCoordinator(groupId)
    throw error
  }
}
