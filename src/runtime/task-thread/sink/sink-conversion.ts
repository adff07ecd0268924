import type { SinkRecord } from '../../../api/record.ts'
import type { OffsetToCommit } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import { markOf } from '../../../storage/dead-letters/replay-mark.ts'
import { ConversionNotReadyError, type ConversionWait } from '../conversion/conversion-not-ready-error.ts'
import { decodeRecord } from '../conversion/record-decoder.ts'
import type { Converters } from '../conversion/record-encoder.ts'
import { applyTransforms, type TransformStep } from '../conversion/transform-chain.ts'
import type { ErrantRecords } from '../errors/errant-records.ts'
import type { LetterReplay } from '../errors/dead-letters/letter-replay.ts'
import type { KeyParking } from '../errors/parking/key-parking.ts'
import type { TaskErrors } from '../errors/task-errors.ts'
import type { RetryStreak } from '../retry-streak.ts'
import { emptyBatch, type SinkBatch } from './sink-batch.ts'

export interface SinkConversionOptions {
  readonly converters: Converters
  readonly transforms: readonly TransformStep[]
  readonly errors: TaskErrors<FetchedRecord>
  /** Takes records that are behind a dead letter of their key; absent or null: none are. */
  readonly parking?: Pick<KeyParking, 'wait' | 'takes'> | null
  /** The records that the task has reported; absent or null: it reports none. */
  readonly reports?: Pick<ErrantRecords, 'room'> | null
  /** Tells which records are delivered again; absent or null: none are. */
  readonly replay?: Pick<LetterReplay, 'wait' | 'skips'> | null
  /** Of conversions. */
  readonly conversionRetries: RetryStreak
  readonly clock: Clock
}

/**
 * Decodes and transforms fetched records in their order. Each has an outcome of its own: it is converted, dropped by a transform or
 * because it is a mark in a dead letter queue, or skipped because it fails. Those from the first one on that has to wait are kept.
 */
export class SinkConversion {
  readonly #options: SinkConversionOptions
  #kept: readonly FetchedRecord[] = []
  #wait: ConversionWait | null = null
  /** Why the first record that is kept fails, whatever its conversion would do. */
  #refusal: { readonly error: unknown } | null = null

  constructor(options: SinkConversionOptions) {
    this.#options = options
  }

  /** Whether records are kept. */
  get isPending(): boolean {
    return this.#kept.length > 0
  }

  /** What the first of them waits for; null when it is not known to wait. */
  get wait(): ConversionWait | null {
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
    if (this.#kept[0] === first) return
    this.#wait = null
    this.#refusal = null
    this.#options.errors.passed()
  }

  /** What the first record that is kept waits for never comes: the next {@link convert} fails it by this error. */
  refuse(error: unknown): void {
    this.#refusal = { error }
  }

  /**
   * Converts what is kept, up to a record that has to wait. A record that is dropped or skipped still moves the offset of its
   * partition. @throws DataError, ConnectError of a record that must not be skipped
   */
  convert(): SinkBatch {
    const fetched = this.#kept
    this.#wait = this.#waitBefore()
    if (this.#wait !== null) return emptyBatch
    const records: SinkRecord[] = []
    const nextOffsets = new Map<string, OffsetToCommit>()
    let last: { topic: string; partition: number; offset: number } | null = null
    this.#kept = []
    // An index: an iterator costs an object per record.
    for (let i = 0; i < fetched.length; i += 1) {
      const source = fetched[i] as FetchedRecord
      const record = this.#converted(source)
      if (this.#wait !== null) {
        this.#kept = fetched.slice(i)
        break
      }
      if (record !== null) records.push(record)
      if (last === null || last.partition !== source.partition || last.topic !== source.topic) {
        last = { topic: source.topic, partition: source.partition, offset: 0 }
        nextOffsets.set(formatTopicPartition(source), last)
      }
      last.offset = source.offset + 1
      if (record === null && this.#isFull()) {
        this.#kept = fetched.slice(i + 1)
        break
      }
    }
    return { records, nextOffsets }
  }

  /** Returns null for a record that is dropped or skipped, and for one that has to wait: {@link wait} says then for what. */
  #converted(source: FetchedRecord): SinkRecord | null {
    const { converters, transforms, errors, parking, replay } = this.#options
    try {
      if (this.#refusal !== null) throw this.#refusal.error
      // It says of letters that they were delivered again, and is none itself.
      if (markOf(source.headers) !== null) return null
      if (replay?.skips(source) === true || parking?.takes(source) === true) return null
      const decoded = decodeRecord(converters, source)
      const record = transforms.length === 0 ? decoded : applyTransforms(transforms, decoded)
      if (errors.isRetrying) errors.passed()
      return record
    } catch (error) {
      this.#refusal = null
      this.#wait = this.#waitAfter(error)
      if (this.#wait === null) errors.failed(source, error)
      return null
    }
  }

  /** Returns what has to be waited for before any record is converted. */
  #waitBefore(): ConversionWait | null {
    if (this.#kept.length === 0 || this.#refusal !== null) return null
    const { replay, parking, reports } = this.#options
    return replay?.wait() ?? parking?.wait() ?? waitFor(reports?.room() ?? null)
  }

  /** Whether the next record has to wait until there is room for one more that fails (I10). */
  #isFull(): boolean {
    this.#wait = waitFor(this.#options.errors.room())
    return this.#wait !== null
  }

  #waitAfter(error: unknown): ConversionWait | null {
    if (error instanceof ConversionNotReadyError) return error
    const { errors, conversionRetries, clock } = this.#options
    const delayMs = errors.retryAfter(error)
    if (delayMs === null) return null
    conversionRetries.failed('conversion', error, delayMs)
    return {
      ready: async (signal) => await clock.sleep(delayMs, signal),
      explain: (why) => why,
    }
  }
}

/** Returns a wait for room; null when there is room. */
function waitFor(room: Promise<void> | null): ConversionWait | null {
  return room && { ready: async (signal) => await abortable(room, signal), explain: (why) => why }
}
