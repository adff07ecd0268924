import { formatTopicPartition } from '../../../foundation/topic-partition.ts'
import type { Counter, Gauge, Histogram, TaskMetrics } from '../../../foundation/metrics/metrics.ts'

/** The lag of a task in one of its partitions. */
export interface PartitionLag {
  readonly topic: string
  readonly partition: number
  /** Offsets up to the high watermark that the task has not received yet. */
  readonly lag: number
}

const secondBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10]

/** The metrics of every sink task. */
export class SinkMeters {
  readonly #read: Counter
  readonly #bytes: Counter
  readonly #sent: Counter
  readonly retries: Counter
  readonly skipped: Counter
  readonly #batch: Histogram
  readonly #putSeconds: Histogram
  readonly #commitSeconds: Histogram
  readonly #partitions: Gauge
  readonly #rebalances: Counter
  readonly #metrics: TaskMetrics
  /** By partition. */
  readonly #lags = new Map<string, Gauge>()
  readonly #uncommitted: Gauge
  /** Whether a record was waiting at the last measurement. */
  isBehind = false

  constructor(metrics: TaskMetrics) {
    this.#read = metrics.counter('sink_records_read_total', 'Records read from the log')
    this.#bytes = metrics.counter('sink_bytes_total', 'Bytes of keys and values read from the log')
    this.#sent = metrics.counter('sink_records_sent_total', 'Records that put has taken')
    this.retries = metrics.counter('task_retries_total', 'Calls of the task that failed retriably')
    this.skipped = metrics.counter(
      'sink_offsets_skipped_total',
      'Offsets that were not read, because they were deleted before or because auto.offset.reset skips them',
    )
    this.#batch = metrics.histogram(
      'sink_put_batch_size',
      'Records per put',
      [1, 10, 100, 500, 1000, 2000, 5000, 10_000],
    )
    this.#putSeconds = metrics.histogram('sink_put_seconds', 'Time put took', secondBuckets)
    this.#commitSeconds = metrics.histogram('sink_offset_commit_seconds', 'Time a commit took', secondBuckets)
    this.#metrics = metrics
    this.#uncommitted = metrics.gauge(
      'sink_uncommitted_records',
      'Records that the task was given and whose offsets are not committed',
    )
    this.#partitions = metrics.gauge('sink_partitions', 'Partitions the task holds')
    this.#rebalances = metrics.counter(
      'sink_rebalances_total',
      'Rebalances of the consumer group that the task took part in',
    )
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

  /** A rebalance has ended, and the task holds so many partitions. */
  assigned(count: number): void {
    this.#rebalances.add(1)
    this.#partitions.set(count)
  }

  partitions(count: number): void {
    this.#partitions.set(count)
  }

  /** `lags`: records of each partition held that were not given to the task; `uncommitted`: given, and not committed. */
  standing(lags: readonly PartitionLag[], uncommitted: number): void {
    this.isBehind = lags.some(({ lag }) => lag > 0)
    const gone = new Set(this.#lags.keys())
    for (const { topic, partition, lag } of lags) {
      const key = formatTopicPartition({ topic, partition })
      gone.delete(key)
      this.#lagOf(key, topic, partition).set(lag)
    }
    for (const key of gone) {
      this.#lags.get(key)?.remove()
      this.#lags.delete(key)
    }
    this.#uncommitted.set(uncommitted)
  }

  #lagOf(key: string, topic: string, partition: number): Gauge {
    const known = this.#lags.get(key)
    if (known !== undefined) return known
    const labels = { topic, partition: String(partition) }
    const gauge = this.#metrics.gauge('sink_lag_records', 'Records of a partition not given to the task yet', labels)
    this.#lags.set(key, gauge)
    return gauge
  }
}
