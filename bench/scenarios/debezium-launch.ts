import { setTimeout as delay } from 'node:timers/promises'
import { ConnectPeer } from '../parts/connect-peer.ts'
import type { BenchContext } from '../parts/context.ts'
import { postgresConfig } from '../parts/postgres-config.ts'
import { query } from '../parts/postgres-query.ts'
import type { Measurement } from '../parts/results.ts'
import { TopicWatch } from '../parts/topic-watch.ts'

const table = 'bench_peer_launch'
const who = 'Debezium 3.2.3'

/**
 * Measures the time from the launch of Kafka (formatted, stopped) and then of Kafka Connect to its REST API and to the first
 * row of a snapshot in the topic; with `atRest`, also their memory and CPU one minute later with that connector.
 */
export async function debeziumLaunch(
  context: BenchContext,
  options: { readonly atRest: boolean },
): Promise<readonly Measurement[]> {
  const { address: postgres } = await context.servers.get('postgres')
  await query(postgres, `CREATE TABLE ${table} (id bigint PRIMARY KEY, note text)`)
  await query(postgres, `INSERT INTO ${table} VALUES (1, 'first')`)
  const kafka = await context.servers.get('kafka')
  await ConnectPeer.fetch()
  const samples = { rest: [] as number[], row: [] as number[], rss: [] as number[], cpu: [] as number[] }
  for (let run = 0; run < (options.atRest ? 1 : context.runs); run++) {
    await kafka.stop()
    const launchedAt = performance.now()
    await kafka.start()
    const peer = await ConnectPeer.launch(context.servers, kafka)
    try {
      samples.rest.push(performance.now() - launchedAt)
      const name = `dbz_launch_${run}`
      await peer.create(name, sourceConfig(postgres, name))
      const watch = await TopicWatch.open(kafka.address)
      const { first } = await watch.until(`${name}.public.${table}`, 1, 120_000, () => peer.checkRunning(name))
      samples.row.push(first - launchedAt)
      await watch.close()
      if (options.atRest) {
        await delay(60_000)
        const before = peer.usage()
        await delay(20_000)
        const after = peer.usage()
        samples.rss.push(after.rssBytes / 1e6)
        samples.cpu.push(((after.cpuSeconds - before.cpuSeconds) / 20) * 100)
      }
    } finally {
      await peer.stop()
    }
  }
  const conditions = { connectors: 1, processes: 'Kafka and Kafka Connect' }
  const of = (what: string, unit: string, values: readonly number[]): Measurement => ({
    what,
    who,
    unit,
    samples: values,
    conditions,
  })
  return options.atRest
    ? [of('RSS at rest', 'MB', samples.rss), of('CPU at rest', '% of a core', samples.cpu)]
    : [of('launch → REST', 'ms', samples.rest), of('launch → first row in the topic', 'ms', samples.row)]
}

function sourceConfig(url: string, name: string): Record<string, string> {
  return {
    ...postgresConfig(url),
    'topic.prefix': name,
    'plugin.name': 'pgoutput',
    'slot.name': name,
    'publication.name': name,
    'publication.autocreate.mode': 'filtered',
    'table.include.list': `public.${table}`,
  }
}
