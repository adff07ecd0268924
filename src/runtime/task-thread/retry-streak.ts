import { errorMessage } from '../../foundation/error-message.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { Counter } from '../../foundation/metrics/metrics.ts'
import { codeOf, isRetriable, taskBackoff, traceOf } from '../failures.ts'
import type { TaskControl } from './task-control.ts'
import type { TaskStatus } from './task-status.ts'

export interface RetryStreakOptions {
  readonly control: TaskControl
  readonly status: TaskStatus
  readonly clock: Clock
  readonly logger: Logger
  readonly retries: Counter
}

type Call = 'start' | 'poll' | 'put' | 'preCommit' | 'topic creation' | 'conversion'

/** The first reasons of a streak are logged as warnings, further ones at debug level. */
const maxReasons = 8

/**
 * Consecutive retriable failures of a task's calls. The task's status shows the current reason, and the logs show each
 * reason once, without a stack. The next successful call ends the streak.
 */
export class RetryStreak {
  readonly #options: RetryStreakOptions
  readonly #reasons = new Set<string>()
  #call: Call = 'start'
  #failures = 0
  /** The failures that the back-off counts. It continues across streaks when a call fails again soon after it recovered. */
  #attempt = 0
  #beganAt = 0
  #recoveredAt = Number.NEGATIVE_INFINITY
  #shown: string | null = null

  constructor(options: RetryStreakOptions) {
    this.#options = options
  }

  /** Records a failure; returns the delay before the next attempt: that of the back-off, unless it is given. Milliseconds. */
  failed(call: Call, error: unknown, delayMs?: number): number {
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
    const waitMs = Math.round(delayMs ?? backoffMs(taskBackoff, this.#attempt))
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

  /** The call has succeeded. */
  recordSuccess(): void {
    if (this.#failures > 0) this.#logRecovery()
    this.dropped()
  }

  /** The call is not retried any more. */
  dropped(): void {
    this.#withdraw()
    this.#attempt = 0
  }

  /**
   * The cause of the failures is gone, although the call has not returned yet. If it fails again soon, the back-off
   * continues where it stopped.
   */
  recovered(): void {
    if (this.#failures === 0) return
    this.#recoveredAt = this.#options.clock.monotonic()
    this.#logRecovery()
    this.#withdraw()
  }

  /** Calls until it succeeds. Returns null when the task ends before. @throws what is not retriable */
  async retried<T>(call: Call, attempt: () => Promise<T>): Promise<T | null> {
    const { control } = this.#options
    while (!control.isEnding) {
      try {
        const result = await attempt()
        this.recordSuccess()
        return result
      } catch (error) {
        if (control.isEnding) return null
        if (!isRetriable(error)) throw error
        await this.wait(this.failed(call, error))
      }
    }
    return null
  }

  /** Waits for `ms`, or until the task ends. */
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

  #logRecovery(): void {
    const { logger, clock } = this.#options
    const seconds = ((clock.monotonic() - this.#beganAt) / 1000).toFixed(1)
    const retries = this.#failures === 1 ? '1 failure' : `${this.#failures} failures`
    logger.warn(`${this.#call} recovered after ${retries} in ${seconds} s`)
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
