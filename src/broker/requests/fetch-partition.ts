import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { LogError } from '../../log/log-error.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { AbortedTransaction } from '../../log/segment/transaction-index.ts'
import { errorCodes } from '../../protocol/error-codes.ts'

/** What one partition of a fetch answers. */
export interface PartitionAnswer {
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
 * One partition of a fetch that may wait. Each `read` goes on where the last one ended, so that waiting for many bytes does not
 * read the first of them again at every append.
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
   * Reads what became visible, `room` bytes at most; the first batch of an answer that is empty so far comes whole all the same.
   * Without room it still says where the log begins and ends.
   */
  read(room: number, answerIsEmpty: boolean): void {
    if (this.log === null || this.hasFailed) return
    const maxBytes = Math.min(this.#maxBytes - this.#bytes, room)
    try {
      const answer = this.log.read({
        offset: this.#nextOffset,
        maxBytes: Math.max(maxBytes, 0),
        isolation: this.#isolation,
        minOneBatch: answerIsEmpty && this.#bytes === 0,
      })
      this.#highWatermark = answer.highWatermark
      this.#lastStableOffset = answer.lastStableOffset
      this.#logStartOffset = answer.logStartOffset
      this.#nextOffset = answer.nextOffset
      for (const aborted of answer.abortedTransactions ?? []) {
        this.#aborted.set(`${aborted.producerId}:${aborted.firstOffset}`, aborted)
      }
      if (answer.batches.length === 0) return
      this.#parts.push(answer.batches)
      this.#bytes += answer.batches.length
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      this.#fail(this.#isGone(this.log, this.index) ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : error.errorCode)
    }
  }

  /** The answer. Its records are what the log read: nothing is copied unless several reads have to become one. */
  answer(): PartitionAnswer {
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

  /** By first offset: clients take them from the front. */
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
