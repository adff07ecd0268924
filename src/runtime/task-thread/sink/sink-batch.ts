import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import type { SinkRecord } from '../../../api/record.ts'
import type { OffsetToCommit } from '../../../api/task.ts'

/** Records for `put`, and the offset after the last record of each partition. */
export interface SinkBatch {
  readonly records: readonly SinkRecord[]
  readonly nextOffsets: ReadonlyMap<string, OffsetToCommit>
}

export const emptyBatch: SinkBatch = { records: [], nextOffsets: new Map() }

/** Returns the batch without the records of these partitions. */
export function withoutPartitions(batch: SinkBatch, partitions: readonly TopicPartition[]): SinkBatch {
  const gone = new Set(partitions.map(formatTopicPartition))
  if (![...batch.nextOffsets.keys()].some((key) => gone.has(key))) return batch
  return {
    records: batch.records.filter(
      ({ originalTopic: topic, originalPartition: partition }) => !gone.has(formatTopicPartition({ topic, partition })),
    ),
    nextOffsets: new Map([...batch.nextOffsets].filter(([key]) => !gone.has(key))),
  }
}

/** Returns both batches as one, in order. */
export function joinBatches(first: SinkBatch, second: SinkBatch): SinkBatch {
  if (second.nextOffsets.size === 0) return first
  if (first.nextOffsets.size === 0) return second
  return {
    records: [...first.records, ...second.records],
    nextOffsets: new Map([...first.nextOffsets, ...second.nextOffsets]),
  }
}
