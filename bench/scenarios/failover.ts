import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { BenchError } from '../parts/bench-error.ts'
import { startConnect } from '../parts/connect-distributed.ts'
import { connectFiles } from '../parts/connect-file-plugin.ts'
import { ConnectorRest } from '../parts/connector-rest.ts'
import type { BenchContext } from '../parts/context.ts'
import { kafkaSettings } from '../parts/kafka-settings.ts'
import type { Measurement } from '../parts/results.ts'
import { untilEnded } from '../parts/until-ended.ts'
import { BenchWorker } from '../parts/worker.ts'

const workers = 3
const connectors = 10
const tasksPerConnector = 3
const tasks = connectors * tasksPerConnector
const patienceMs = 180_000

/** A worker of the group. */
interface Member {
  readonly api: ConnectorRest
  /** Ends it by a signal, and waits for its end. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Measures how long the tasks of a worker that is killed, or that leaves, take to run on the other workers of its group. */
export async function failover(context: BenchContext): Promise<readonly Measurement[]> {
  const { address } = await context.servers.get('kafka')
  const settings = { ...kafkaSettings(address, 'bench-failover'), 'plugin.path': 'connect-file' }
  return await measured('penstock', context.runs, async () => {
    const worker = await BenchWorker.launch({ ...context.worker, settings })
    return { api: worker, kill: async (signal) => await worker.kill(signal) }
  })
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
    for (let i = 0; i < connectors; i++) await createWhenReady(first.api, `sink-${i}`, sink(directory, i))
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
  await running(members)
  const index = run % workers
  const [lost] = members.splice(index, 1) as [Member]
  const began = performance.now()
  const ended = lost.kill(signal)
  await running(members)
  const ms = performance.now() - began
  await ended
  members.splice(index, 0, await launch())
  return ms
}

function sink(directory: string, i: number): Record<string, string> {
  return {
    'connector.class': 'FileStreamSink',
    'tasks.max': String(tasksPerConnector),
    topics: `bench-failover-${i}`,
    file: join(directory, `out-${i}`),
  }
}

interface Task {
  readonly state: string
  readonly worker_id: string
}

/** Waits until all tasks run on these workers, and each of them runs some. */
async function running(members: readonly Member[]): Promise<void> {
  const ids = new Set(members.map(({ api }) => new URL(api.rest).host))
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = (await Promise.all(members.map(tasksAt))).map((all) =>
      all.filter(({ state, worker_id: id }) => state === 'RUNNING' && ids.has(id)),
    )
    const isShared = found.some(
      (all) => all.length === tasks && new Set(all.map(({ worker_id: id }) => id)).size === ids.size,
    )
    if (isShared) return
    if (performance.now() > deadline)
      throw new BenchError(`${Math.max(...found.map((all) => all.length))} of ${tasks} tasks run after three minutes`)
    await delay(50)
  }
}

async function tasksAt({ api }: Member): Promise<readonly Task[]> {
  const answer = await fetch(`${api.rest}/connectors?expand=status`).catch(() => null)
  if (answer?.ok !== true) return []
  const all = (await answer.json()) as Record<string, { readonly status: { readonly tasks: readonly Task[] } }>
  return Object.values(all).flatMap(({ status }) => status.tasks)
}

/** A group that rebalances refuses. */
async function createWhenReady(api: ConnectorRest, name: string, config: Record<string, string>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await api.create(name, config)
      return
    } catch (error) {
      if (attempt > 60 || !String(error).includes('HTTP 409')) throw error
      await delay(1000)
    }
  }
}
