import type { Backlog } from './backlog.ts'

/** One run over the backlog. */
export interface BacklogRun {
  /** From the first record in the topic to the last. */
  readonly seconds: number
  /** User and system time of the process tree from launch to the last record; NaN where it is not measured. */
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

/** The connector both Debezium and we are given. */
export function sourceConfig(backlog: Backlog, slot: string): Record<string, string> {
  const url = new URL(backlog.url)
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': url.hostname,
    'database.port': url.port === '' ? '5432' : url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': url.pathname.slice(1),
    'topic.prefix': 'bench',
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'publication.name': backlog.publication,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': `public.${backlog.table}`,
    'snapshot.mode': 'no_data',
  }
}
