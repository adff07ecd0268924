import { runBacklog, type BacklogRun } from '../parts/backlog-run.ts'
import type { Backlog } from '../parts/backlog.ts'
import { ConnectPeer } from '../parts/connect-peer.ts'
import type { BenchContext } from '../parts/context.ts'
import { debeziumVariants } from '../parts/debezium.ts'
import { TopicWatch } from '../parts/topic-watch.ts'

/** The measured runs of one variant of Debezium. */
export interface PeerRuns {
  readonly who: string
  readonly runs: readonly BacklogRun[]
  readonly config: Readonly<Record<string, string>>
}

/**
 * Measures Debezium with the same backlog, on Kafka. Every variant has its own JVM, in which the measured runs follow one
 * warm-up run. Kafka acknowledges from the page cache; only Penstock waits for the disk.
 */
export async function debeziumBacklog(backlog: Backlog, context: BenchContext): Promise<readonly PeerRuns[]> {
  const kafka = await context.servers.get('kafka')
  const watch = await TopicWatch.open(kafka.address)
  try {
    const results: PeerRuns[] = []
    for (const { who, id, throughput } of debeziumVariants) {
      const peer = await ConnectPeer.launch(context.servers, kafka)
      try {
        const runs: BacklogRun[] = []
        for (let run = 0; run <= context.runs; run++)
          runs.push(await once(backlog, peer, watch, `dbz_${id}_${run}`, throughput))
        results.push({ who, runs: runs.slice(1), config: throughput })
      } finally {
        await peer.stop()
      }
    }
    return results
  } finally {
    await watch.close()
  }
}

async function once(
  backlog: Backlog,
  peer: ConnectPeer,
  watch: TopicWatch,
  name: string,
  config: Readonly<Record<string, string>>,
): Promise<BacklogRun> {
  const slot = await backlog.slot(`bench_${name}`)
  const run = await runBacklog(backlog, peer, watch, { name, slot, config })
  await peer.remove(name)
  await backlog.dropSlot(slot)
  await watch.remove(`${name}.public.${backlog.table}`)
  return run
}
