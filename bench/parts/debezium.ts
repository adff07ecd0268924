import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { findBinary, run } from '../../src/servers/process/command.ts'
import { BenchError } from './bench-error.ts'

const debezium = '3.2.3.Final'

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

/** Returns the `plugin.path` of Debezium's Postgres connector. It is downloaded once, with Maven. */
export function fetchDebezium(): Promise<string> {
  return new Cache(cacheDirectory(), systemClock).get(
    `debezium-${debezium}`,
    AbortSignal.timeout(600_000),
    async (directory) => {
      const mvn = findBinary('mvn')
      if (mvn === null) throw new BenchError('Debezium needs Maven: there is no mvn on PATH')
      const downloads = join(directory, 'download')
      mkdirSync(downloads)
      const artifact = `io.debezium:debezium-connector-postgres:${debezium}:tar.gz:plugin`
      await run(mvn, [
        '-q',
        '-B',
        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
        `-Dartifact=${artifact}`,
        `-DoutputDirectory=${downloads}`,
      ])
      const archive = join(downloads, `debezium-connector-postgres-${debezium}-plugin.tar.gz`)
      await run('tar', ['xzf', archive, '-C', directory])
      rmSync(downloads, { recursive: true })
    },
  )
}
