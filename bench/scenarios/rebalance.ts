import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { BenchContext } from '../parts/context.ts'
import { kafkaSettings } from '../parts/kafka-settings.ts'
import type { Measurement } from '../parts/results.ts'
import { createSinks, launchMember, tasksRun, type Member } from '../parts/worker-group.ts'

const connectors = 100
const tasksPerConnector = 10
const tasks = connectors * tasksPerConnector
const conditions = { workers: 3, tasks }

/**
 * Measures how long a group of two workers with 1,000 tasks takes to share them with a third one, from when that one serves
 * REST until all run and each worker has its third; and to take them back when it stops.
 */
export async function rebalance(context: BenchContext): Promise<readonly Measurement[]> {
  const { address } = await context.servers.get('kafka')
  const settings = { ...kafkaSettings(address, 'bench-rebalance'), 'plugin.path': 'connect-file' }
  const launch = async (): Promise<Member> => await launchMember(context.worker, settings)
  const directory = mkdtempSync(join(tmpdir(), 'penstock-bench-rebalance-'))
  const members = await Promise.all([launch(), launch()])
  try {
    const [first] = members
    await createSinks(first, { connectors, tasksPerConnector, directory, prefix: 'bench-rebalance' })
    await tasksRun(members, tasks)
    const [joins, leaves]: [number[], number[]] = [[], []]
    for (let run = 0; run < context.runs; run++) {
      const third = await launch()
      joins.push(await timed(async () => await tasksRun([...members, third], tasks, Math.floor(tasks / 3))))
      let ended = Promise.resolve()
      leaves.push(
        await timed(async () => {
          ended = third.kill('SIGTERM')
          await tasksRun(members, tasks)
        }),
      )
      await ended
    }
    const of = { who: 'penstock', unit: 'ms', conditions }
    return [
      { ...of, what: 'a worker joins → 1,000 tasks run, a third on each worker', samples: joins },
      { ...of, what: 'it stops → 1,000 tasks run on the others', samples: leaves },
    ]
  } finally {
    await Promise.all(members.map(async (member) => await member.kill('SIGKILL')))
    rmSync(directory, { recursive: true, force: true })
  }
}

async function timed(action: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await action()
  return performance.now() - began
}
