/** A variant of Debezium. */
export interface DebeziumVariant {
  readonly who: string
  /** A part of the names of its topics and slots. */
  readonly id: string
  /** Settings for a backlog, for throughput. */
  readonly throughput: Readonly<Record<string, string>>
  /** Settings for latency. */
  readonly latency: Readonly<Record<string, string>>
}

/** The defaults, and a tuned variant. */
export const debeziumVariants: readonly DebeziumVariant[] = [
  { who: 'Debezium 3.2.3, defaults', id: 'defaults', throughput: {}, latency: {} },
  {
    who: 'Debezium 3.2.3, tuned',
    id: 'tuned',
    throughput: {
      'max.batch.size': '8192',
      'max.queue.size': '20480',
      'producer.override.batch.size': '262144',
      'producer.override.linger.ms': '10',
      'producer.override.compression.type': 'lz4',
    },
    latency: { 'poll.interval.ms': '10' },
  },
]
