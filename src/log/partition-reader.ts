import type { IsolationLevel } from '../protocol/isolation-level.ts'
import { OffsetOutOfRangeError } from './log-error.ts'
import type { PartitionState } from './partition-state.ts'
import { findMaxTimestamp, findTimestamp } from './segment/find-timestamp.ts'
import { abortedBetween, readBatches } from './segment/read-batches.ts'
import type { TimestampOffset } from './segment/segment-indexes.ts'
import type { AbortedTransaction } from './segment/transaction-index.ts'

/** What to read from a partition log. */
export interface ReadRequest {
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: IsolationLevel
  /** Whether the first batch is returned although it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
}

/** Whole batches, and the positions of the log when they were read. */
export interface ReadResult {
  readonly batches: Buffer
  readonly nextOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Sorted by first offset; null for `read_uncommitted`. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

const noBytes = Buffer.alloc(0)

/** The read side of a partition log. Records are visible once they are durable (I1). */
export class PartitionReader {
  readonly #state: PartitionState

  constructor(state: PartitionState) {
    this.#state = state
  }

  /** The first offset of an open transaction, else the high watermark. */
  get lastStableOffset(): number {
    return this.#state.producers.lastStableOffset(this.#highWatermark)
  }

  /**
   * Returns batches from the one with `offset` on; none at the end of the visible records.
   * @throws OffsetOutOfRangeError below the log start or beyond the log end; CorruptLogError; StorageError.
   */
  read(request: ReadRequest): ReadResult {
    const { offset, isolation } = request
    const { segments, logStartOffset } = this.#state
    const { lastStableOffset } = this
    const highWatermark = this.#highWatermark
    if (offset < logStartOffset || offset > segments.endOffset)
      throw new OffsetOutOfRangeError(offset, logStartOffset, segments.endOffset)
    const endOffset = isolation === 'read_committed' ? lastStableOffset : highWatermark
    // Most polls are at the end. They do not look at the segments.
    if (offset >= endOffset || (request.maxBytes <= 0 && !request.minOneBatch)) {
      const abortedTransactions = isolation === 'read_committed' ? [] : null
      const nothing = { batches: noBytes, nextOffset: offset, abortedTransactions }
      return { ...nothing, highWatermark, lastStableOffset, logStartOffset }
    }
    const { batches, nextOffset } = segments.onDisk(() => readBatches(segments.list, { ...request, endOffset }))
    const abortedTransactions =
      isolation === 'read_committed' ? abortedBetween(segments.list, offset, nextOffset) : null
    return { batches, nextOffset, highWatermark, lastStableOffset, logStartOffset, abortedTransactions }
  }

  /** Returns the first visible record at or after `timestampMs`; null when there is none. @throws CorruptLogError; StorageError */
  offsetForTimestamp(timestampMs: number, isolation: IsolationLevel): TimestampOffset | null {
    const { segments, logStartOffset } = this.#state
    const end = this.#visibleEnd(isolation)
    return segments.onDisk(() => findTimestamp(segments.list, timestampMs, { from: logStartOffset, end }))
  }

  /** Returns the first visible record with the largest timestamp; null when there is none. @throws CorruptLogError; StorageError */
  offsetOfMaxTimestamp(isolation: IsolationLevel): TimestampOffset | null {
    const { segments, logStartOffset } = this.#state
    const end = this.#visibleEnd(isolation)
    return segments.onDisk(() => findMaxTimestamp(segments.list, { from: logStartOffset, end }))
  }

  get #highWatermark(): number {
    return this.#state.segments.durable.offset
  }

  #visibleEnd(isolation: IsolationLevel): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.#highWatermark
  }
}
