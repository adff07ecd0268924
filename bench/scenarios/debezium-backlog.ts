import type { Backlog } from '../parts/backlog.ts'
import { sourceConfig, type BacklogRun } from '../parts/backlog-run.ts'
import { ConnectPeer } from '../parts/connect-peer.ts'
import type { BenchContext } from '../parts/context.ts'
import { treeUsage } from '../parts/process-tree.ts'
import { TopicWatch } from '../parts/topic-watch.ts'

/** A way to run the incumbent. */
export interface PeerRuns {
  readonly name: string
  readonly runs: readonly BacklogRun[]
  readonly config: Readonly<Record<string, string>>
}

const variants: readonly { readonly name: string; readonly config: Readonly<Record<string, string>> }[] = [
  { name: 'Debezium 3.2.3, defaults', config: {} },
  {
    name: 'Debezium 3.2.3, tuned',
    config: {
      'max.batch.size': '8192',
      'max.queue.size': '20480',
      'producer.override.batch.size': '262144',
      'producer.override.linger.ms': '10',
      'producer.override.compression.type': 'lz4',
    },
  },
]

/** Debezium over the same backlog, on Kafka: one warm-up run, then the counted ones, in a JVM that stays. */
export async function debeziumBacklog(backlog: Backlog, context: BenchContext): Promise<readonly PeerRuns[]> {
  const { address: broker } = await context.servers.get('kafka')
  const peer = await ConnectPeer.launch(broker, {})
  const watch = await TopicWatch.open(broker)
  try {
    const results: PeerRuns[] = []
    for (const [index, { name, config }] of variants.entries()) {
      const runs: BacklogRun[] = []
      for (let run = 0; run <= context.runs; run++)
        runs.push(await once(backlog, peer, watch, `v${index}r${run}`, config))
      results.push({ name, runs: runs.slice(1), config })
    }
    return results
  } finally {
    await watch.close()
    await peer.stop()
  }
}

async function once(
  backlog: Backlog,
  peer: ConnectPeer,
  watch: TopicWatch,
  id: string,
  config: Readonly<Record<string, string>>,
): Promise<BacklogRun> {
  const slot = await backlog.slot(`bench_dbz_${id}`)
  const before = usage(peer)
  const topic = `${id}.public.${backlog.table}`
  await peer.create(id, { ...sourceConfig(backlog, slot), 'topic.prefix': id, ...config })
  const { first, last } = await watch.until(topic, backlog.rows, 600_000)
  const after = usage(peer)
  await peer.remove(id)
  await backlog.dropSlot(slot)
  return {
    seconds: (last - first) / 1000,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakRssBytes: after.peakRssBytes,
  }
}

/** Connect and its broker together. */
function usage(peer: ConnectPeer): { cpuSeconds: number; peakRssBytes: number } {
  const all = peer.pids.map(treeUsage)
  return {
    cpuSeconds: all.reduce((sum, one) => sum + one.cpuSeconds, 0),
    peakRssBytes: all.reduce((sum, one) => sum + one.peakRssBytes, 0),
  }
}
