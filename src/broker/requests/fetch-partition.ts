import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { LogError } from '../../log/log-error.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { AbortedTransaction } from '../../log/segment/transaction-index.ts'
import { errorCodes } from '../../protocol/error-codes.ts'

/** One partition of a Fetch response. */
export interface PartitionResponse {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  readonly records: Buffer
}

const nothing = Buffer.alloc(0)

/**
 * One partition of a Fetch that may wait. Each `read` continues where the last one ended, so that waiting for many bytes does
 * not read the first of them again at every append.
 */
export class FetchPartition {
  readonly index: number
  readonly log: PartitionLog | null
  readonly #maxBytes: number
  readonly #isolation: IsolationLevel
  readonly #isGone: (log: PartitionLog, index: number) => boolean
  readonly #parts: Buffer[] = []
  readonly #aborted = new Map<string, AbortedTransaction>()
  #nextOffset: number
  #bytes = 0
  #errorCode: number
  #highWatermark = -1
  #lastStableOffset = -1
  #logStartOffset = -1

  constructor(options: {
    readonly index: number
    /** Null with an error: the partition cannot be read. */
    readonly log: PartitionLog | null
    readonly errorCode: number
    readonly offset: number
    readonly maxBytes: number
    readonly isolation: IsolationLevel
    /** Whether the log was closed because its topic is deleted. */
    readonly isGone: (log: PartitionLog, index: number) => boolean
  }) {
    this.index = options.index
    this.log = options.log
    this.#errorCode = options.errorCode
    this.#nextOffset = options.offset
    this.#maxBytes = options.maxBytes
    this.#isolation = options.isolation
    this.#isGone = options.isGone
  }

  /** Bytes read so far. */
  get bytes(): number {
    return this.#bytes
  }

  get hasFailed(): boolean {
    return this.#errorCode !== errorCodes.NONE
  }

  /**
   * Reads records that became visible, at most `room` bytes. The first batch of an empty response is read although it is larger.
   * Without room, only the log start and the watermarks are read.
   */
  read(room: number, responseIsEmpty: boolean): void {
    if (this.log === null || this.hasFailed) return
    const maxBytes = Math.min(this.#maxBytes - this.#bytes, room)
    try {
      const result = this.log.read({
        offset: this.#nextOffset,
        maxBytes: Math.max(maxBytes, 0),
        isolation: this.#isolation,
        minOneBatch: responseIsEmpty && this.#bytes === 0,
      })
      this.#highWatermark = result.highWatermark
      this.#lastStableOffset = result.lastStableOffset
      this.#logStartOffset = result.logStartOffset
      this.#nextOffset = result.nextOffset
      for (const aborted of result.abortedTransactions ?? []) {
        this.#aborted.set(`${aborted.producerId}:${aborted.firstOffset}`, aborted)
      }
      if (result.batches.length === 0) return
      this.#parts.push(result.batches)
      this.#bytes += result.batches.length
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      this.#fail(this.#isGone(this.log, this.index) ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : error.errorCode)
    }
  }

  /** Returns the response. The records are copied only if several reads have to be joined. */
  response(): PartitionResponse {
    const [first] = this.#parts
    return {
      partitionIndex: this.index,
      errorCode: this.#errorCode,
      highWatermark: this.#highWatermark,
      lastStableOffset: this.#lastStableOffset,
      logStartOffset: this.#logStartOffset,
      abortedTransactions: this.#isolation === 'read_committed' && !this.hasFailed ? this.#sortedAborted() : null,
      records: first === undefined ? nothing : this.#parts.length === 1 ? first : Buffer.concat(this.#parts),
    }
  }

  /** Sorted by first offset, as clients expect. */
  #sortedAborted(): AbortedTransaction[] {
    return [...this.#aborted.values()].toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  #fail(errorCode: number): void {
    this.#errorCode = errorCode
    this.#parts.splice(0, this.#parts.length, nothing)
    this.#bytes = 0
    this.#highWatermark = -1
    this.#lastStableOffset = -1
    this.#logStartOffset = -1
  }
}
