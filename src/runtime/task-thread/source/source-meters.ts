import type { Counter, Histogram, TaskMetrics } from '../../../foundation/metrics/metrics.ts'

/** The metrics of every source task. */
export interface SourceMeters {
  readonly polled: Counter
  readonly written: Counter
  readonly dropped: Counter
  readonly bytes: Counter
  readonly retries: Counter
  readonly offsetFailures: Counter
  readonly batch: Histogram
}

export function sourceMeters(metrics: TaskMetrics): SourceMeters {
  return {
    polled: metrics.counter('source_records_polled_total', 'Records the task read from its source'),
    written: metrics.counter('source_records_written_total', 'Records the log has acknowledged'),
    dropped: metrics.counter('source_records_dropped_total', 'Records a transform dropped'),
    bytes: metrics.counter('source_bytes_total', 'Bytes of keys and values handed to the producer'),
    retries: metrics.counter('task_retries_total', 'Calls of the task that failed retriably'),
    offsetFailures: metrics.counter(
      'source_offset_failures_total',
      'Tries to store offsets in the offset topic that failed',
    ),
    batch: metrics.histogram('source_poll_batch_size', 'Records per poll', [1, 10, 100, 500, 1000, 2000, 5000, 10_000]),
  }
}
