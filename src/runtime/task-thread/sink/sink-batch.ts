import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import type { SinkRecord } from '../../../api/record.ts'
import type { OffsetToCommit } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import { decodeRecord } from '../record-decoder.ts'
import type { Converters } from '../record-encoder.ts'
import { applyTransforms, type TransformStep } from '../transform-chain.ts'

/** Records for `put`, and the offset after the last record of each partition. */
export interface SinkBatch {
  readonly records: readonly SinkRecord[]
  readonly nextOffsets: ReadonlyMap<string, OffsetToCommit>
  /** Size of keys and values as they were stored. Bytes. */
  readonly bytes: number
}

export const emptyBatch: SinkBatch = { records: [], nextOffsets: new Map(), bytes: 0 }

/** Decodes and transforms fetched records. A record that a transform drops still moves the offset of its partition. */
export function makeBatch(
  fetched: readonly FetchedRecord[],
  converters: Converters,
  transforms: readonly TransformStep[],
): SinkBatch {
  const records: SinkRecord[] = []
  const nextOffsets = new Map<string, OffsetToCommit>()
  let bytes = 0
  let last: { topic: string; partition: number; offset: number } | null = null
  for (const source of fetched) {
    const decoded = decodeRecord(converters, source)
    const record = transforms.length === 0 ? decoded : applyTransforms(transforms, decoded)
    if (record !== null) records.push(record)
    bytes += (source.key?.length ?? 0) + (source.value?.length ?? 0)
    if (last === null || last.partition !== source.partition || last.topic !== source.topic) {
      last = { topic: source.topic, partition: source.partition, offset: 0 }
      nextOffsets.set(formatTopicPartition(source), last)
    }
    last.offset = source.offset + 1
  }
  return { records, nextOffsets, bytes }
}

/** Returns the batch without the records of these partitions. */
export function withoutPartitions(batch: SinkBatch, partitions: readonly TopicPartition[]): SinkBatch {
  const gone = new Set(partitions.map(formatTopicPartition))
  if (![...batch.nextOffsets.keys()].some((key) => gone.has(key))) return batch
  return {
    records: batch.records.filter(
      ({ originalTopic: topic, originalPartition: partition }) => !gone.has(formatTopicPartition({ topic, partition })),
    ),
    nextOffsets: new Map([...batch.nextOffsets].filter(([key]) => !gone.has(key))),
    bytes: batch.bytes,
  }
}

/** Returns both batches as one, in order. */
export function joinBatches(first: SinkBatch, second: SinkBatch): SinkBatch {
  if (second.nextOffsets.size === 0) return first
  return {
    records: [...first.records, ...second.records],
    nextOffsets: new Map([...first.nextOffsets, ...second.nextOffsets]),
    bytes: first.bytes + second.bytes,
  }
}
