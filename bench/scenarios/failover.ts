import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startConnect } from '../parts/connect-distributed.ts'
import { connectFiles } from '../parts/connect-file-plugin.ts'
import { ConnectorRest } from '../parts/connector-rest.ts'
import type { BenchContext } from '../parts/context.ts'
import { kafkaSettings } from '../parts/kafka-settings.ts'
import type { Measurement } from '../parts/results.ts'
import { untilEnded } from '../parts/until-ended.ts'
import { createSinks, launchMember, tasksRun, type Member } from '../parts/worker-group.ts'

const workers = 3
const connectors = 10
const tasksPerConnector = 3
const tasks = connectors * tasksPerConnector

/** Measures how long the tasks of a worker that is killed, or that leaves, take to run on the other workers of its group. */
export async function failover(context: BenchContext): Promise<readonly Measurement[]> {
  const { address } = await context.servers.get('kafka')
  const settings = { ...kafkaSettings(address, 'bench-failover'), 'plugin.path': 'connect-file' }
  return await measured('penstock', context.runs, async () => await launchMember(context.worker, settings))
}

/** The same of Kafka Connect. By default it waits five minutes for the return of a lost worker: here it does not. */
export async function connectFailover(context: BenchContext): Promise<readonly Measurement[]> {
  const { address } = await context.servers.get('kafka')
  const files = await connectFiles()
  let launches = 0
  return await measured('Kafka Connect 3.9.1', context.runs, async () => {
    launches += 1
    const { rest, process } = await startConnect(context.servers, {
      ...files,
      directory: join(context.servers.directory, `failover-${launches}`),
      broker: address,
      group: 'bench-connect-failover',
      heapMiB: 512,
      logLevel: 'WARN',
      settings: { 'scheduled.rebalance.max.delay.ms': '0' },
    })
    return {
      api: new ConnectorRest(rest),
      async kill(signal) {
        process.kill(signal)
        await untilEnded(process)
      },
    }
  })
}

async function measured(who: string, runs: number, launch: () => Promise<Member>): Promise<readonly Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-bench-failover-'))
  const members = await Promise.all(Array.from({ length: workers }, launch))
  try {
    const [first] = members as [Member]
    await createSinks(first, { connectors, tasksPerConnector, directory, prefix: 'bench-failover' })
    const of = async (signal: NodeJS.Signals, what: string): Promise<Measurement> => {
      const samples: number[] = []
      for (let run = 0; run < runs; run++) samples.push(await once(members, signal, launch, run))
      return {
        what: `${what} → ${tasks} tasks run elsewhere`,
        who,
        unit: 'ms',
        samples,
        conditions: { workers, tasks },
      }
    }
    return [await of('SIGKILL', 'kill -9'), await of('SIGTERM', 'SIGTERM')]
  } finally {
    await Promise.all(members.map(async (member) => await member.kill('SIGKILL')))
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Ends one of the workers, in turn, and starts another in its place when the others run all tasks. */
async function once(
  members: Member[],
  signal: NodeJS.Signals,
  launch: () => Promise<Member>,
  run: number,
): Promise<number> {
  await tasksRun(members, tasks)
  const index = run % workers
  const [lost] = members.splice(index, 1) as [Member]
  const began = performance.now()
  const ended = lost.kill(signal)
  await tasksRun(members, tasks)
  const ms = performance.now() - began
  await ended
  members.splice(index, 0, await launch())
  return ms
}
