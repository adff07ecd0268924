import { errorMessage } from '../../foundation/error-message.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { Counter } from '../../foundation/metrics/metrics.ts'
import { codeOf, taskBackoff, traceOf } from '../failures.ts'
import type { TaskControl } from './task-control.ts'
import type { TaskStatus } from './task-status.ts'

export interface RetryStreakOptions {
  readonly control: TaskControl
  readonly status: TaskStatus
  readonly clock: Clock
  readonly logger: Logger
  readonly retries: Counter
}

type Call = 'start' | 'poll' | 'put' | 'preCommit' | 'topic creation'

/** So many reasons of one streak are warnings; those after them are debug lines. */
const maxReasons = 8

/**
 * Calls of a task that failed retriably, one after another. The task's status shows what it waits for, the log each
 * reason once and without a stack, and the next call that succeeds ends both.
 */
export class RetryStreak {
  readonly #options: RetryStreakOptions
  readonly #reasons = new Set<string>()
  #call: Call = 'start'
  #failures = 0
  /** Failures that the back-off counts: more than those of the streak where what recovered fails again soon. */
  #attempt = 0
  #beganAt = 0
  #recoveredAt = Number.NEGATIVE_INFINITY
  #shown: string | null = null

  constructor(options: RetryStreakOptions) {
    this.#options = options
  }

  /** Notes a failure; returns how long to wait before the call is made again. Milliseconds. */
  failed(call: Call, error: unknown): number {
    const { retries, status, clock } = this.#options
    const now = clock.monotonic()
    if (this.#failures === 0) {
      this.#beganAt = now
      if (now - this.#recoveredAt >= taskBackoff.maxMs) this.#attempt = 0
    }
    this.#call = call
    this.#failures += 1
    this.#attempt += 1
    retries.add(1)
    const why = errorMessage(error)
    const waitMs = Math.round(backoffMs(taskBackoff, this.#attempt))
    this.#log(why, waitMs, error)
    if (this.#shown !== why) {
      this.#shown = why
      const reason = `${call} failed and is retried: ${traceOf(error)}`
      status.show({
        waiting: { by: this, reason, code: codeOf(error) },
        ...(call === 'start' ? { state: 'RESTARTING' } : {}),
      })
    }
    return waitMs
  }

  /** The call returned. */
  recordSuccess(): void {
    if (this.#failures > 0) this.#sayEnd()
    this.dropped()
  }

  /** The call is not made again. */
  dropped(): void {
    this.#withdraw()
    this.#attempt = 0
  }

  /**
   * What the call needs is there again, though the call has not returned yet. Should it fail again soon, the back-off
   * continues where it was.
   */
  recovered(): void {
    if (this.#failures === 0) return
    this.#recoveredAt = this.#options.clock.monotonic()
    this.#sayEnd()
    this.#withdraw()
  }

  /** Waits, unless the task ends. */
  async wait(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#options.control.stopSignal).catch(() => undefined)
  }

  #log(why: string, waitMs: number, error: unknown): void {
    const { logger } = this.#options
    const attempt = this.#failures
    if (!this.#reasons.has(why) && this.#reasons.size < maxReasons) {
      this.#reasons.add(why)
      logger.warn(`${this.#call} failed and is retried: ${why}`)
    }
    logger.debug(`${this.#call} is retried in ${waitMs} ms: ${why}`, { attempt, error })
  }

  #sayEnd(): void {
    const { logger, clock } = this.#options
    const seconds = ((clock.monotonic() - this.#beganAt) / 1000).toFixed(1)
    logger.warn(`${this.#call} succeeds again; failures: ${this.#failures}, in ${seconds} s`)
  }

  #withdraw(): void {
    if (this.#failures === 0) return
    const { status } = this.#options
    this.#failures = 0
    this.#reasons.clear()
    this.#shown = null
    status.show({ state: status.active, waiting: { by: this, reason: null } })
  }
}
