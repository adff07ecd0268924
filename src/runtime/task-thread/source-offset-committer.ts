import type { CommittedSourceOffset } from '../../api/task.ts'
import type { Clock } from '../../foundation/clock.ts'
import { deferred, type Deferred } from '../../foundation/deferred.ts'
import { failPoint } from '../../foundation/fail-point.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { SubmittedRecords } from './submitted-records.ts'

/** Under load offset records are written no more often than this. */
export const minIntervalMs = 100

export interface SourceOffsetCommitterOptions {
  readonly submitted: SubmittedRecords
  /** Hands one offset to the producer; its acknowledgement comes back through {@link SourceOffsetCommitter.acknowledged}. */
  readonly write: (offset: CommittedSourceOffset) => void
  /** Tells the task that offsets are durable. */
  readonly commit: (offsets: readonly CommittedSourceOffset[]) => Promise<void>
  /** A write that could not even be handed over. */
  readonly onFailure: (error: unknown) => void
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Moves a source's offsets: watermark → offset record → its acknowledgement → the task's `commit` (I2), one round at a
 * time. A round begins with the event that made an offset committable, at most every {@link minIntervalMs}.
 */
export class SourceOffsetCommitter {
  readonly #options: SourceOffsetCommitterOptions
  #writing: readonly CommittedSourceOffset[] = []
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

  /** The watermark moved. */
  advanced(): void {
    if (this.#busy || this.#closed || this.#cancelTimer !== null || !this.#options.submitted.hasCommittable) return
    const wait = this.#lastRound + minIntervalMs - this.#options.clock.monotonic()
    if (wait <= 0 || this.#draining) {
      this.#begin()
      return
    }
    this.#cancelTimer = this.#options.clock.after(wait, () => {
      this.#cancelTimer = null
      this.#begin()
    })
  }

  /** One offset record of the round is durable. */
  acknowledged(): void {
    this.#unacknowledged -= 1
    if (this.#unacknowledged === 0) void this.#finish()
  }

  /** Writes and commits what can be committed; resolves when nothing is left to do. */
  async drain(): Promise<void> {
    this.#draining = true
    this.#stopTimer()
    try {
      while (!this.#closed && (this.#busy || this.#options.submitted.hasCommittable)) {
        this.advanced()
        this.#idle ??= deferred<void>()
        await this.#idle.promise
      }
    } finally {
      this.#draining = false
    }
  }

  /** No round begins any more. */
  close(): void {
    this.#closed = true
    this.#stopTimer()
    this.#settleIdle()
  }

  #begin(): void {
    const offsets = this.#options.submitted.takeCommittable()
    if (offsets.length === 0 || this.#closed) return
    this.#busy = true
    this.#lastRound = this.#options.clock.monotonic()
    this.#writing = offsets
    this.#unacknowledged = offsets.length
    failPoint('after-ack-before-offset')
    try {
      for (const offset of offsets) this.#options.write(offset)
    } catch (error) {
      this.#options.onFailure(error)
      this.close()
    }
  }

  /** A failing `commit` costs nothing but space at the source: the next round says more than this one. */
  async #finish(): Promise<void> {
    try {
      if (!this.#closed) await this.#options.commit(this.#writing)
    } catch (error) {
      this.#options.logger.warn('the task could not confirm committed offsets to its source; the next commit will', {
        error,
      })
    }
    this.#writing = []
    this.#busy = false
    this.#settleIdle()
    this.advanced()
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
