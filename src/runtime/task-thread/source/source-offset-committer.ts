import type { CommittedSourceOffset } from '../../../api/task.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { deferred, type Deferred } from '../../../foundation/async/deferred.ts'
import { failPoint } from '../../../foundation/process/fail-point.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { OffsetTrouble } from './offset-trouble.ts'
import type { SubmittedRecords } from './submitted-records.ts'

/** Under load offset records are written no more often than this. */
export const minIntervalMs = 100

/** How long offsets that the log refused wait for another try: a person has to do something first. */
const refusedRetryMs = 10_000

export interface SourceOffsetCommitterOptions {
  readonly submitted: SubmittedRecords
  /** Hands one offset to the producer; its outcome comes back under the token. */
  readonly write: (offset: CommittedSourceOffset, token: number) => void
  /** Tells the task that offsets are durable. */
  readonly commit: (offsets: readonly CommittedSourceOffset[]) => Promise<void>
  readonly trouble: OffsetTrouble
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Moves a source's offsets: watermark → offset record → its acknowledgement → the task's `commit` (I2), one round at a
 * time. A round begins with the event that made an offset committable, at most every {@link minIntervalMs}. Offsets that
 * the log refuses do not fail the task, whose records are written all the same: they are shown, and tried again with
 * what came since.
 *
 * Tokens are below zero: -1 is the first offset of the round.
 */
export class SourceOffsetCommitter {
  readonly #options: SourceOffsetCommitterOptions
  #writing: readonly CommittedSourceOffset[] = []
  /** Of those, what the log refused. */
  #refused: CommittedSourceOffset[] = []
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
    if (this.#busy || this.#closed || this.#cancelTimer !== null || !this.#hasWork) return
    const interval = this.#refused.length > 0 ? refusedRetryMs : minIntervalMs
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

  /** One offset record of the round is durable. */
  acknowledged(): void {
    this.#settled()
  }

  /** The log does not take one offset record of the round. */
  refused(token: number, error: unknown): void {
    const offset = this.#writing[-1 - token]
    if (this.#closed || offset === undefined) return
    this.#refused.push(offset)
    this.#options.trouble.failed(error)
    this.#settled()
  }

  /** Writes and commits what can be committed; resolves when nothing is left to do, or the log has refused it. */
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

  /** No round begins any more. */
  close(): void {
    this.#closed = true
    this.#stopTimer()
    this.#options.trouble.close()
    this.#settleIdle()
  }

  get #hasWork(): boolean {
    return this.#refused.length > 0 || this.#options.submitted.hasCommittable
  }

  #begin(): void {
    if (this.#closed) return
    const offsets = newest([...this.#refused, ...this.#options.submitted.takeCommittable()])
    if (offsets.length === 0) return
    const { clock, trouble, write } = this.#options
    this.#busy = true
    this.#lastRound = clock.monotonic()
    this.#writing = offsets
    this.#refused = []
    this.#unacknowledged = offsets.length
    trouble.began()
    failPoint('after-ack-before-offset')
    for (const [i, offset] of offsets.entries()) {
      try {
        write(offset, -1 - i)
      } catch (error) {
        this.refused(-1 - i, error)
      }
    }
  }

  #settled(): void {
    this.#unacknowledged -= 1
    if (this.#unacknowledged === 0) void this.#finish()
  }

  /** A failing `commit` costs nothing but space at the source: the next round says more than this one. */
  async #finish(): Promise<void> {
    const refused = new Set(this.#refused)
    const stored = refused.size === 0 ? this.#writing : this.#writing.filter((offset) => !refused.has(offset))
    if (refused.size === 0) this.#options.trouble.over()
    try {
      if (!this.#closed && stored.length > 0) await this.#options.commit(stored)
    } catch (error) {
      this.#options.logger.warn('the task could not confirm committed offsets to its source; the next commit will', {
        error,
      })
    }
    this.#writing = []
    this.#busy = false
    this.#settleIdle()
    if (!this.#draining || this.#refused.length === 0) this.advanced()
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

/** Of each source partition the last one. */
function newest(offsets: readonly CommittedSourceOffset[]): readonly CommittedSourceOffset[] {
  if (offsets.length < 2) return offsets
  return [...new Map(offsets.map((offset) => [JSON.stringify(offset.partition), offset])).values()]
}
