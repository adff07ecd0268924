/** The target of one measurement. A rival is given by the beginning of its name. */
export interface Target {
  readonly what: string
  /** The statistic for many samples; for few it is the median. */
  readonly statistic: 'p50' | 'p99'
  readonly atLeast?: number
  readonly atMost?: number
  /** The minimum of our value divided by the rival's. */
  readonly against?: Readonly<Record<string, number>>
}

const latency = (rate: number): readonly Target[] => [
  { what: `commit → readable at ${rate} rows/s`, statistic: 'p50', atMost: 5 },
  { what: `commit → readable at ${rate} rows/s`, statistic: 'p99', atMost: 30 },
]

export const targets: readonly Target[] = [
  { what: 'backlog → durable log', statistic: 'p50', against: { pg_recvlogical: 0.5, Debezium: 1 } },
  { what: 'CPU a million rows', statistic: 'p50', atMost: 12 },
  { what: 'peak RSS', statistic: 'p50', atMost: 450 },
  ...latency(50),
  ...latency(1000),
  { what: 'launch → REST', statistic: 'p50', atMost: 1000 },
  { what: 'launch → first row in the topic', statistic: 'p50', atMost: 2000 },
  { what: 'launch → searchable', statistic: 'p50', atMost: 3000 },
  { what: 'log → Elasticsearch', statistic: 'p50', atLeast: 40_000 },
  { what: 'log → S3, gzip', statistic: 'p50', atLeast: 60_000 },
  { what: 'change → Avro', statistic: 'p50', atLeast: 400_000 },
  { what: 'Avro → change', statistic: 'p50', atLeast: 400_000 },
  { what: 'change → JSON', statistic: 'p50', atLeast: 400_000 },
  { what: 'JSON → change', statistic: 'p50', atLeast: 250_000 },
  { what: 'change → JSON with schemas', statistic: 'p50', atLeast: 200_000 },
  { what: 'row → object, Parquet', statistic: 'p50', atLeast: 150_000 },
  { what: 'log → S3, 64 directories, 64 MiB, peak RSS', statistic: 'p50', atMost: 200 },
  { what: 'log → S3, 1000 directories, 192 MiB, peak RSS', statistic: 'p50', atMost: 400 },
  { what: 'RSS at rest', statistic: 'p50', atMost: 200 },
  { what: 'CPU at rest', statistic: 'p50', atMost: 2 },
  { what: 'peak RSS loaded', statistic: 'p50', atMost: 450 },
  { what: 'kill -9 → 30 tasks run elsewhere', statistic: 'p50', atMost: 10_000 },
  { what: 'SIGTERM → 30 tasks run elsewhere', statistic: 'p50', atMost: 2000 },
  { what: 'a worker joins → 1,000 tasks run, a third on each worker', statistic: 'p50', atMost: 5000 },
  { what: 'it stops → 1,000 tasks run on the others', statistic: 'p50', atMost: 5000 },
  { what: 'RSS without connectors', statistic: 'p50', atMost: 110 },
  { what: 'RSS a connector', statistic: 'p50', atMost: 5 },
  { what: 'GET /connectors with status and info', statistic: 'p99', atMost: 100 },
]
