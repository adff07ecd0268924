import type { TaskContext } from '../../../api/task.ts'
import type { ErrorSettings } from '../../../config/connector/errors/error-settings.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { TaskMetrics } from '../../../foundation/metrics/metrics.ts'
import { isRetriable } from '../../failures.ts'
import { errorLine } from './error-log.ts'
import type { ErrorReporter } from './dead-letters/error-reporter.ts'
import { errorMeters, type ErrorMeters } from './error-meters.ts'
import { OperationRetry } from './operation-retry.ts'
import { failureOf, type RecordFailure } from './record-failure.ts'
import { SkippedRecords } from './skipped-records.ts'

export interface TaskErrorsOptions<Source> {
  readonly settings: ErrorSettings
  /** The name of the task: `orders-sink-0`. */
  readonly task: string
  readonly metrics: TaskMetrics
  readonly clock: Clock
  readonly logger: Logger
  readonly setCondition: TaskContext['setCondition']
  /** Returns the text of a record for the log. */
  readonly describe: (record: Source) => string
  /** Receives each record that fails; null: there is only the log. */
  readonly reporter: ErrorReporter<Source> | null
}

/**
 * Decides what becomes of a record that a converter or transform fails on, as Kafka Connect's RetryWithToleranceOperator does:
 * it is tried again, it is skipped, or it fails the task (I7). Nothing here runs for a record that does not fail.
 * @typeParam Source the record as it came in: a fetched record of a sink, or a record of a source
 */
export class TaskErrors<Source> {
  readonly #options: TaskErrorsOptions<Source>
  readonly #meters: ErrorMeters
  readonly #skipped: SkippedRecords
  #retry: OperationRetry | null = null

  constructor(options: TaskErrorsOptions<Source>) {
    this.#options = options
    this.#meters = errorMeters(options.metrics)
    this.#skipped = new SkippedRecords({ ...options, outcome: options.reporter?.outcome ?? 'skipped' })
  }

  /** Whether {@link passed} is to be called when the record does not fail any more. */
  get isRetrying(): boolean {
    return this.#retry !== null
  }

  /** Returns the delay after which the record is tried again, in milliseconds; null when it has failed finally. */
  retryAfter(error: unknown): number | null {
    const { settings, clock } = this.#options
    const failure = failureOf(error)
    if (settings.retryTimeoutMs === 0 || failure === null || !isRetriable(failure.error)) return null
    const now = clock.monotonic()
    if (this.#retry?.isOf(failure) !== true) this.#retry = new OperationRetry(settings, failure, now)
    const delay = this.#retry.next(now)
    if (delay === null) return null
    this.#meters.failures.add(1)
    this.#meters.retries.add(1)
    return delay
  }

  /** The record that was retried is settled, or is not tried any more. */
  passed(): void {
    this.#retry = null
  }

  /**
   * Reports a record that has failed finally. Its offset may move on when this returns.
   * @param record null when it is not kept any more
   * @throws `error`, when the connector does not tolerate it or it does not concern a single record
   */
  failed(record: Source | null, error: unknown): void {
    const failure = failureOf(error)
    this.#retry = null
    if (failure === null) throw error
    const { settings, clock } = this.#options
    this.#meters.failures.add(1)
    this.#meters.errors.add(1)
    this.#meters.lastError.set(clock.now() / 1000)
    if (settings.logs) this.#log(record, failure)
    this.#report(record, failure, error)
    if (!settings.toleratesAll) throw error
    this.#meters.skipped.add(1)
    this.#skipped.add(errorMessage(error))
  }

  /** What to wait for before further records may fail; null when nothing has to be waited for. */
  room(): Promise<void> | null {
    return this.#options.reporter?.room() ?? null
  }

  close(): void {
    this.#skipped.close()
  }

  #report(record: Source | null, failure: RecordFailure, error: unknown): void {
    const { reporter, settings } = this.#options
    if (reporter === null || record === null) return
    try {
      reporter.report(record, failure)
    } catch (lost) {
      throw settings.toleratesAll ? lost : error
    }
  }

  #log(record: Source | null, failure: RecordFailure): void {
    const { settings, task, logger, describe } = this.#options
    const shown = settings.logsMessages && record !== null ? describe(record) : ''
    logger.error(errorLine(task, failure, shown), { error: failure.error })
    this.#meters.logged.add(1)
  }
}
