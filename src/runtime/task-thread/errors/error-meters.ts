import type { Counter, Gauge, TaskMetrics } from '../../../foundation/metrics/metrics.ts'

/** The metrics of records that fail: Kafka Connect's `task-error-metrics`. */
export interface ErrorMeters {
  readonly failures: Counter
  readonly errors: Counter
  readonly skipped: Counter
  readonly retries: Counter
  readonly logged: Counter
  readonly lastError: Gauge
}

export function errorMeters(metrics: TaskMetrics): ErrorMeters {
  return {
    failures: metrics.counter(
      'task_error_record_failures_total',
      'Failures of operations on records, those that were retried included (total-record-failures)',
    ),
    errors: metrics.counter('task_error_record_errors_total', 'Records that failed (total-record-errors)'),
    skipped: metrics.counter(
      'task_error_records_skipped_total',
      'Records that failed and that errors.tolerance=all skipped (total-records-skipped)',
    ),
    retries: metrics.counter('task_error_retries_total', 'Retries of operations on records (total-retries)'),
    logged: metrics.counter(
      'task_error_errors_logged_total',
      'Errors that errors.log.enable logged (total-errors-logged)',
    ),
    lastError: metrics.gauge(
      'task_error_last_timestamp_seconds',
      'When the last record failed, in seconds of the epoch; 0 when none did (last-error-timestamp)',
    ),
  }
}
