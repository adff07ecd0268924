import type { Backlog } from './backlog.ts'
import { postgresConfig } from './postgres-config.ts'
import type { TreeUsage } from './process-tree.ts'
import type { TopicWatch } from './topic-watch.ts'

/** One run over the backlog. */
export interface BacklogRun {
  /** Counted from the first records seen in the topic to the last one, without those seen first. */
  readonly rowsPerSecond: number
  /** User and system time of the process tree, from the POST of the connector to the last record. */
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

/** The worker that reads the backlog: Penstock, or Kafka Connect. */
export interface BacklogReader {
  create(name: string, config: Readonly<Record<string, string>>): Promise<void>
  checkRunning(name: string): Promise<void>
  usage(): TreeUsage
}

/** Creates the connector and waits for the last row. */
export async function runBacklog(
  backlog: Backlog,
  reader: BacklogReader,
  watch: TopicWatch,
  run: { readonly name: string; readonly slot: string; readonly config: Readonly<Record<string, string>> },
): Promise<BacklogRun> {
  const { name, slot, config } = run
  const before = reader.usage()
  await reader.create(name, { ...sourceConfig(backlog, slot), 'topic.prefix': name, ...config })
  const topic = `${name}.public.${backlog.table}`
  const seen = await watch.until(topic, backlog.rows, 600_000, () => reader.checkRunning(name))
  const after = reader.usage()
  return {
    rowsPerSecond: (backlog.rows - seen.firstCount) / ((seen.last - seen.first) / 1000),
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakRssBytes: after.peakRssBytes,
  }
}

/** The connector's config, for Debezium and Penstock alike. */
function sourceConfig(backlog: Backlog, slot: string): Record<string, string> {
  return {
    ...postgresConfig(backlog.url),
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'publication.name': backlog.publication,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': `public.${backlog.table}`,
    'snapshot.mode': 'no_data',
  }
}
