/** A way to run Debezium. */
export interface DebeziumVariant {
  readonly who: string
  /** Names its topics and slots. */
  readonly id: string
  /** What is set for a backlog, where throughput counts. */
  readonly throughput: Readonly<Record<string, string>>
  /** What is set where latency counts. */
  readonly latency: Readonly<Record<string, string>>
}

/** As it comes, and as somebody who knows it sets it. */
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
