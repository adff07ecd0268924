import { backoffMs } from '../../foundation/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Counter } from '../../foundation/metrics.ts'
import { messageOf, taskBackoff, traceOf } from '../failures.ts'
import type { TaskControl, TaskEvents } from './task-control.ts'

export interface RetryStreakOptions {
  readonly control: TaskControl
  readonly events: TaskEvents
  readonly clock: Clock
  readonly logger: Logger
  readonly retries: Counter
}

/**
 * Calls of a task that failed retriably, one after another. The task's status shows what it waits for, each failure is
 * logged, and the next call that succeeds clears the status.
 */
export class RetryStreak {
  readonly #options: RetryStreakOptions
  #length = 0
  #shown: string | null = null

  constructor(options: RetryStreakOptions) {
    this.#options = options
  }

  /** Notes a failure; answers how long to wait before the call is made again. Milliseconds. */
  failed(call: 'start' | 'poll' | 'put' | 'preCommit', error: unknown): number {
    const { logger, retries, events } = this.#options
    this.#length += 1
    const why = messageOf(error)
    retries.add(1)
    const waitMs = Math.round(backoffMs(taskBackoff, this.#length))
    logger.warn(`${call} failed and is tried again in ${waitMs} ms: ${why}`, {
      attempt: this.#length,
      error,
    })
    if (this.#shown !== why) {
      this.#shown = why
      const reason = `${call} failed and is tried again: ${traceOf(error)}`
      events.onState(call === 'start' ? 'RESTARTING' : 'RUNNING', reason)
    }
    return waitMs
  }

  /** The call succeeded; answers whether that ended a streak (and was shown). */
  ended(): boolean {
    if (this.#length === 0) return false
    this.#length = 0
    this.#shown = null
    const { control, events, logger } = this.#options
    logger.warn('what failed before succeeds again')
    events.onState(control.paused ? 'PAUSED' : 'RUNNING', null)
    return true
  }

  /** Waits, unless the task ends. */
  async wait(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#options.control.ending).catch(() => undefined)
  }
}
