import { type TopicPartition, formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { otherTopicId } from '../cluster/other-topic-id.ts'
import type { Fetcher } from '../consumer/fetcher.ts'
import type { ResetPolicy } from '../consumer/out-of-range.ts'
import type { PositionReset } from '../consumer/position-reset.ts'
import { NoOffsetError, TopicRecreatedError } from '../errors.ts'
import { fetchOffsets, type GroupOffset } from './group-offsets.ts'
import { withoutForeignOffsets } from './offset-topic-id.ts'

/** The offsets from which the partitions of an assignment are read. */
export interface StartedPartitions {
  readonly offsets: readonly GroupOffset[]
  /** With an explicit `auto.offset.reset`: partitions whose committed offset is of an earlier topic with the same name. */
  readonly resets: readonly PositionReset[]
}

/**
 * Starts reading partitions at the group's committed offsets, or where `auto.offset.reset` says if there is none. They are
 * paused, so that a `poll` for other partitions does not return their records before they are assigned.
 * @throws TopicRecreatedError if the member has read an earlier topic with the same name and no explicit `auto.offset.reset` says
 * where to read this one; NoOffsetError, BrokerError, or the signal's reason.
 */
export async function startPartitions(
  parts: {
    readonly cluster: Cluster
    readonly fetcher: Fetcher
    readonly groupId: string
    /** The ids of topics that the member has read. */
    readonly readIds: ReadonlyMap<string, string>
  },
  partitions: readonly TopicPartition[],
  autoOffsetReset: ResetPolicy | 'none' | undefined,
  signal: AbortSignal,
): Promise<StartedPartitions> {
  const { cluster, fetcher, groupId, readIds } = parts
  const unknown = partitions.map(({ topic }) => topic).filter((topic) => !cluster.metadata.topics.has(topic))
  if (unknown.length > 0) await cluster.refreshMetadata([...new Set(unknown)], { signal })
  if (autoOffsetReset === undefined || autoOffsetReset === 'none') await checkIds(cluster, partitions, readIds, signal)
  const fetched = await fetchOffsets(cluster, groupId, partitions, signal)
  const committed = await withoutForeignOffsets(cluster, fetched, signal)
  const known = new Map(committed.map((offset) => [formatTopicPartition(offset), offset]))
  for (const partition of partitions) {
    const offset = known.get(formatTopicPartition(partition))
    if (offset !== undefined) fetcher.start(partition, offset.offset)
    else if (autoOffsetReset === 'none') throw new NoOffsetError(partition.topic, partition.partition, groupId)
    else fetcher.start(partition, autoOffsetReset ?? 'earliest')
    fetcher.pause(partition)
  }
  await fetcher.resolved(signal)
  const startOf = (partition: TopicPartition): number => fetcher.position(partition) ?? 0
  const offsets = partitions.map(({ topic, partition }): GroupOffset => {
    const start = { topic, partition, offset: startOf({ topic, partition }) }
    const found = known.get(formatTopicPartition(start))
    return found?.offset === start.offset ? { ...start, metadata: found.metadata ?? '' } : start
  })
  if (autoOffsetReset === undefined || autoOffsetReset === 'none') return { offsets, resets: [] }
  const resets = fetched
    .filter((offset) => !known.has(formatTopicPartition(offset)))
    .map(({ topic, partition, offset: from }): PositionReset => {
      const to = startOf({ topic, partition })
      return { topic, partition, reason: 'recreated', policy: autoOffsetReset, from, to, logStartOffset: null }
    })
  return { offsets, resets }
}

/** The topic may have been missing for a while: then the member has given up its partitions, and gets those of the new one. */
async function checkIds(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  readIds: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const otherId = (topic: string): string | null => otherTopicId(cluster, topic, readIds.get(topic) ?? null)
  const suspects = [...new Set(partitions.map(({ topic }) => topic))].filter((topic) => otherId(topic) !== null)
  if (suspects.length === 0) return
  // The metadata may be older than what was read.
  await cluster.refreshMetadata(suspects, { signal })
  for (const topic of suspects) {
    const [was, is] = [readIds.get(topic), otherId(topic)]
    if (was !== undefined && is !== null) throw new TopicRecreatedError(topic, { was, is })
  }
}
