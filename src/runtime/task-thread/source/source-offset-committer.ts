import type { CommittedSourceOffset } from '../../../api/task.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { deferred, type Deferred } from '../../../foundation/async/deferred.ts'
import { failPoint } from '../../../foundation/process/fail-point.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { OffsetTrouble } from './offset-trouble.ts'
import type { SubmittedRecords } from './submitted-records.ts'

/** The shortest time between two rounds of offset records. */
export const minIntervalMs = 100

/** The delay before rejected offsets are retried: an operator usually has to fix something first. */
const rejectedRetryMs = 10_000

export interface SourceOffsetCommitterOptions {
  readonly submitted: SubmittedRecords
  /** Sends one offset to the producer, which reports the outcome with the token. */
  readonly write: (offset: CommittedSourceOffset, token: number) => void
  /** Reports to the task that offsets are durable. */
  readonly commit: (offsets: readonly CommittedSourceOffset[]) => Promise<void>
  readonly trouble: OffsetTrouble
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Commits the offsets of a source: watermark → offset record → its acknowledgement → the task's `commit` (I2), one round
 * at a time. A round starts when an offset becomes committable, at most every {@link minIntervalMs}. Offsets that the
 * broker rejects do not fail the task, because its records are still written. The status shows them, and the next round
 * retries them together with newer ones.
 *
 * Tokens are negative: -1 is the first offset of the round.
 */
export class SourceOffsetCommitter {
  readonly #options: SourceOffsetCommitterOptions
  #writing: readonly CommittedSourceOffset[] = []
  /** Those of them that the broker rejected. */
  #rejected: CommittedSourceOffset[] = []
  #unacknowledged = 0
  #busy = false
  #closed = false
  #lastRound = Number.NEGATIVE_INFINITY
  #cancelTimer: (() => void) | null = null
  #idle: Deferred<void> | null = null
  #draining = false

  constructor(options: SourceOffsetCommitterOptions) {
    this.#options = options
  }

  /** The watermark has moved. */
  advanced(): void {
    if (this.#busy || this.#closed || this.#cancelTimer !== null || !this.#hasWork) return
    const interval = this.#rejected.length > 0 ? rejectedRetryMs : minIntervalMs
    const wait = this.#lastRound + interval - this.#options.clock.monotonic()
    if (wait <= 0 || this.#draining) {
      this.#begin()
      return
    }
    this.#cancelTimer = this.#options.clock.after(wait, () => {
      this.#cancelTimer = null
      this.#begin()
    })
  }

  /** An offset record of the round is durable. */
  acknowledged(): void {
    this.#settled()
  }

  /** The broker rejected an offset record of the round. */
  rejected(token: number, error: unknown): void {
    const offset = this.#writing[-1 - token]
    if (this.#closed || offset === undefined) return
    this.#rejected.push(offset)
    this.#options.trouble.failed(error)
    this.#settled()
  }

  /** Commits everything that is committable; resolves when nothing is left, or the broker has rejected it. */
  async drain(): Promise<void> {
    if (this.#closed) return
    this.#draining = true
    this.#stopTimer()
    try {
      do {
        this.advanced()
        if (!this.#busy) break
        this.#idle ??= deferred<void>()
        await this.#idle.promise
      } while (!this.#closed && (this.#busy || this.#options.submitted.hasCommittable))
    } finally {
      this.#draining = false
      this.advanced()
    }
  }

  /** Starts no more rounds. */
  close(): void {
    this.#closed = true
    this.#stopTimer()
    this.#options.trouble.close()
    this.#settleIdle()
  }

  get #hasWork(): boolean {
    return this.#rejected.length > 0 || this.#options.submitted.hasCommittable
  }

  #begin(): void {
    if (this.#closed) return
    const offsets = newest([...this.#rejected, ...this.#options.submitted.takeCommittable()])
    if (offsets.length === 0) return
    const { clock, trouble, write } = this.#options
    this.#busy = true
    this.#lastRound = clock.monotonic()
    this.#writing = offsets
    this.#rejected = []
    this.#unacknowledged = offsets.length
    trouble.began()
    failPoint('after-ack-before-offset')
    for (const [i, offset] of offsets.entries()) {
      try {
        write(offset, -1 - i)
      } catch (error) {
        this.rejected(-1 - i, error)
      }
    }
  }

  #settled(): void {
    this.#unacknowledged -= 1
    if (this.#unacknowledged === 0) void this.#finish()
  }

  /** A failed `commit` only delays the release of space at the source: the next one covers it. */
  async #finish(): Promise<void> {
    const rejected = new Set(this.#rejected)
    const stored = rejected.size === 0 ? this.#writing : this.#writing.filter((offset) => !rejected.has(offset))
    if (rejected.size === 0) this.#options.trouble.over()
    try {
      if (!this.#closed && stored.length > 0) await this.#options.commit(stored)
    } catch (error) {
      this.#options.logger.warn(
        'the task could not confirm committed offsets to its source; the next commit covers them',
        {
          error,
        },
      )
    }
    this.#writing = []
    this.#busy = false
    this.#settleIdle()
    if (!this.#draining || this.#rejected.length === 0) this.advanced()
  }

  #settleIdle(): void {
    this.#idle?.resolve()
    this.#idle = null
  }

  #stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }
}

/** Returns the last offset of each source partition. */
function newest(offsets: readonly CommittedSourceOffset[]): readonly CommittedSourceOffset[] {
  if (offsets.length < 2) return offsets
  return [...new Map(offsets.map((offset) => [JSON.stringify(offset.partition), offset])).values()]
}
