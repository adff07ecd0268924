import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { offsetCommit } from '../../protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../protocol/messages/offset-fetch.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { BrokerError, FencedMemberError, UnknownTopicError } from '../errors.ts'
import { coordinatorMoved } from './group-member.ts'
import type { Generation } from './group-member-options.ts'

/** A committed offset: the offset of the next record to read. */
export interface GroupOffset extends TopicPartition {
  readonly offset: number
  readonly metadata?: string | null
}

/** The group whose offsets are committed, and the member that commits. */
export interface CommittingMember {
  readonly groupId: string
  /** Null commits without a member, which a broker accepts only while the group is empty. */
  readonly member: Pick<Generation, 'generationId' | 'memberId' | 'instanceId'> | null
}

/** From version 8 on, one request is for several groups. */
const lastSingleGroupVersion = 7

const fencedCodes: ReadonlySet<number> = new Set([
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
 * Commits offsets of a group. Retries until the signal fires if the coordinator has moved or cannot be reached.
 * `check` is called before each attempt, and its error ends the retries.
 * @throws FencedMemberError if the member's generation has ended, UnknownTopicError if a topic was deleted (the others are
 * committed), BrokerError, or the signal's reason.
 */
export async function commitOffsets(
  cluster: Cluster,
  { groupId, member }: CommittingMember,
  offsets: readonly GroupOffset[],
  { signal, check }: { readonly signal?: AbortSignal | undefined; readonly check?: () => void } = {},
): Promise<void> {
  if (offsets.length === 0) return
  const request = {
    groupId,
    generationIdOrMemberEpoch: member?.generationId ?? -1,
    memberId: member?.memberId ?? '',
    groupInstanceId: member?.instanceId ?? null,
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
    const response = await atCoordinator(cluster, groupId, signal, (nodeId) =>
      cluster.sendTo(nodeId, offsetCommit, request, { signal }),
    )
    const missing = response.topics.filter(({ partitions }) =>
      partitions.some(({ errorCode }) => errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION),
    )
    if (missing.length > 0) await checkDeleted(cluster, missing, signal)
    for (const { name, partitions } of response.topics)
      for (const { partitionIndex, errorCode } of partitions)
        checkCommit(cluster, groupId, { topic: name, partition: partitionIndex }, errorCode)
  })
}

/** The coordinator does not know these topics. @throws UnknownTopicError if one was deleted; otherwise retry. */
async function checkDeleted(
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
  if (fencedCodes.has(code)) throw new FencedMemberError(code, what)
  if (coordinatorMoved.has(code)) cluster.forgetCoordinator(groupId)
  throw new BrokerError(code, what)
}

/**
 * Returns the committed offsets of a group, ordered by topic and partition. Partitions without one are omitted.
 * @param partitions null requests all.
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
  const response = await cluster.retrying(`read the offsets of group ${groupId}`, { signal }, async () => {
    const response = await atCoordinator(cluster, groupId, signal, (nodeId) =>
      cluster.sendTo(nodeId, offsetFetch, request, { signal, maxVersion: lastSingleGroupVersion }),
    )
    checkFetch(cluster, groupId, response)
    return response
  })
  const topics = response.topics.toSorted((a, b) => (a.name < b.name ? -1 : 1))
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

function checkFetch(cluster: Cluster, groupId: string, response: ResponseOf<typeof offsetFetch>): void {
  const codes = [response.errorCode, ...response.topics.flatMap(({ partitions }) => partitions.map((p) => p.errorCode))]
  const code = codes.find((candidate) => candidate !== errorCodes.NONE)
  if (code === undefined) return
  if (coordinatorMoved.has(code)) cluster.forgetCoordinator(groupId)
  throw new BrokerError(code, `reading the offsets of group ${groupId}`)
}

/** Calls `action` with the coordinator, and looks the coordinator up again after an error. */
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
