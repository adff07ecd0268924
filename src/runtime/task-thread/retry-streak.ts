import { backoffMs } from '../../foundation/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Counter } from '../../foundation/metrics.ts'
import { messageOf, taskBackoff, traceOf } from '../failures.ts'
import type { TaskControl } from './task-control.ts'
import type { TaskStatus } from './task-status.ts'

export interface RetryStreakOptions {
  readonly control: TaskControl
  readonly status: TaskStatus
  readonly clock: Clock
  readonly logger: Logger
  readonly retries: Counter
}

/**
 * Calls of a task that failed retriably, one after another. The task's status shows what it waits for, each failure is
 * logged, and the next call that succeeds withdraws it.
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
    const { logger, retries, status } = this.#options
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
      status.show({ waiting: { by: this, reason }, ...(call === 'start' ? { state: 'RESTARTING' } : {}) })
    }
    return waitMs
  }

  /** The call succeeded. */
  ended(): void {
    if (this.#length === 0) return
    this.#length = 0
    this.#shown = null
    const { status, logger } = this.#options
    logger.warn('what failed before succeeds again')
    status.show({ state: status.active, waiting: { by: this, reason: null } })
  }

  /** Waits, unless the task ends. */
  async wait(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#options.control.ending).catch(() => undefined)
  }
}
