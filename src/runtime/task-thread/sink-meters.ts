import type { Counter, Gauge, Histogram, TaskMetrics } from '../../foundation/metrics.ts'

const secondBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10]

/** What every sink task measures. */
export class SinkMeters {
  readonly #read: Counter
  readonly #bytes: Counter
  readonly #sent: Counter
  readonly retries: Counter
  readonly #batch: Histogram
  readonly #putSeconds: Histogram
  readonly #commitSeconds: Histogram
  readonly #partitions: Gauge
  readonly #lag: Gauge
  readonly #uncommitted: Gauge

  constructor(metrics: TaskMetrics) {
    this.#read = metrics.counter('sink_record_read_total', 'Records read from the log')
    this.#bytes = metrics.counter('sink_record_bytes_total', 'Bytes of keys and values read from the log')
    this.#sent = metrics.counter('sink_record_send_total', 'Records that put has taken')
    this.retries = metrics.counter('task_retries_total', 'Calls of the task that failed retriably')
    this.#batch = metrics.histogram(
      'sink_put_batch_size',
      'Records per put',
      [1, 10, 100, 500, 1000, 2000, 5000, 10_000],
    )
    this.#putSeconds = metrics.histogram('sink_put_seconds', 'Time put took', secondBuckets)
    this.#commitSeconds = metrics.histogram('sink_offset_commit_seconds', 'Time a commit took', secondBuckets)
    this.#lag = metrics.gauge('sink_record_lag', 'Records in the log that the task was not given yet')
    this.#uncommitted = metrics.gauge(
      'sink_record_uncommitted',
      'Records that the task was given and whose offsets are not committed',
    )
    this.#partitions = metrics.gauge('sink_partition_count', 'Partitions the task holds')
  }

  read(records: number, bytes: number): void {
    this.#read.add(records)
    this.#bytes.add(bytes)
  }

  put(records: number, seconds: number): void {
    if (records === 0) return
    this.#sent.add(records)
    this.#batch.observe(records)
    this.#putSeconds.observe(seconds)
  }

  committed(seconds: number): void {
    this.#commitSeconds.observe(seconds)
  }

  partitions(count: number): void {
    this.#partitions.set(count)
  }

  /** `lag`: not given to the task; `uncommitted`: given, and not committed. */
  standing(lag: number, uncommitted: number): void {
    this.#lag.set(lag)
    this.#uncommitted.set(uncommitted)
  }
}
