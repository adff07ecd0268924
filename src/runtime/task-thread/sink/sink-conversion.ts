import type { SinkRecord } from '../../../api/record.ts'
import type { OffsetToCommit } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import { ConversionNotReadyError } from '../conversion/conversion-not-ready-error.ts'
import { decodeRecord } from '../conversion/record-decoder.ts'
import type { Converters } from '../conversion/record-encoder.ts'
import { applyTransforms, type TransformStep } from '../conversion/transform-chain.ts'
import type { SinkBatch } from './sink-batch.ts'

/** Decodes and transforms fetched records in their order, and keeps those from the first one on whose converters are not ready. */
export class SinkConversion {
  readonly #converters: Converters
  readonly #transforms: readonly TransformStep[]
  #kept: readonly FetchedRecord[] = []
  #wait: ConversionNotReadyError | null = null

  constructor(converters: Converters, transforms: readonly TransformStep[]) {
    this.#converters = converters
    this.#transforms = transforms
  }

  /** Whether records are kept. */
  get isPending(): boolean {
    return this.#kept.length > 0
  }

  /** What the first of them waits for; null when it is not known to wait. */
  get wait(): ConversionNotReadyError | null {
    return this.#wait
  }

  /** Keeps records behind those that are kept already. */
  keep(fetched: readonly FetchedRecord[]): void {
    if (fetched.length > 0) this.#kept = this.#kept.length === 0 ? fetched : [...this.#kept, ...fetched]
  }

  /** Drops what is kept of these partitions. */
  drop(partitions: readonly TopicPartition[]): void {
    if (this.#kept.length === 0) return
    const [first] = this.#kept
    const gone = new Set(partitions.map(formatTopicPartition))
    this.#kept = this.#kept.filter((record) => !gone.has(formatTopicPartition(record)))
    if (this.#kept[0] !== first) this.#wait = null
  }

  /**
   * Converts what is kept, up to a record that has to wait. A record that a transform drops still moves the offset of its
   * partition. @throws DataError
   */
  convert(): SinkBatch {
    const fetched = this.#kept
    const records: SinkRecord[] = []
    const nextOffsets = new Map<string, OffsetToCommit>()
    let last: { topic: string; partition: number; offset: number } | null = null
    this.#wait = null
    this.#kept = []
    // An index: an iterator costs an object per record.
    for (let i = 0; i < fetched.length; i += 1) {
      const source = fetched[i] as FetchedRecord
      const decoded = this.#decode(source)
      if (decoded === null) {
        this.#kept = fetched.slice(i)
        break
      }
      const record = this.#transforms.length === 0 ? decoded : applyTransforms(this.#transforms, decoded)
      if (record !== null) records.push(record)
      if (last === null || last.partition !== source.partition || last.topic !== source.topic) {
        last = { topic: source.topic, partition: source.partition, offset: 0 }
        nextOffsets.set(formatTopicPartition(source), last)
      }
      last.offset = source.offset + 1
    }
    return { records, nextOffsets }
  }

  #decode(source: FetchedRecord): SinkRecord | null {
    try {
      return decodeRecord(this.#converters, source)
    } catch (error) {
      if (!(error instanceof ConversionNotReadyError)) throw error
      this.#wait = error
      return null
    }
  }
}
