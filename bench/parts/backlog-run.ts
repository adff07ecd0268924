import type { Backlog } from './backlog.ts'
import { postgresConfig } from './postgres-config.ts'

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
  return {
    ...postgresConfig(backlog.url),
    'topic.prefix': 'bench',
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'publication.name': backlog.publication,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': `public.${backlog.table}`,
    'snapshot.mode': 'no_data',
  }
}
