import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { BenchError } from './bench-error.ts'
import type { ConnectorRest } from './connector-rest.ts'
import type { BenchContext } from './context.ts'
import { BenchWorker } from './worker.ts'

const patienceMs = 180_000

/** A worker of a group. */
export interface Member {
  readonly api: ConnectorRest
  /** Ends it by a signal, and waits for its end. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts a worker of Penstock. */
export async function launchMember(
  options: BenchContext['worker'],
  settings: Readonly<Record<string, string>>,
): Promise<Member> {
  const worker = await BenchWorker.launch({ ...options, settings })
  return { api: worker, kill: async (signal) => await worker.kill(signal) }
}

export interface SinkSet {
  readonly connectors: number
  readonly tasksPerConnector: number
  /** Of the files that they write. */
  readonly directory: string
  /** Of the topics that they read, of which none exists. */
  readonly prefix: string
}

/** Creates file sinks. */
export async function createSinks({ api }: Member, set: SinkSet): Promise<void> {
  for (let i = 0; i < set.connectors; i++) {
    await createWhenReady(api, `sink-${i}`, {
      'connector.class': 'FileStreamSink',
      'tasks.max': String(set.tasksPerConnector),
      topics: `${set.prefix}-${i}`,
      file: join(set.directory, `out-${i}`),
    })
  }
}

interface Task {
  readonly state: string
  readonly worker_id: string
}

/** Waits until so many tasks run on these workers, and each of them runs at least `leastEach`. */
export async function tasksRun(members: readonly Member[], tasks: number, leastEach = 1): Promise<void> {
  const ids = members.map(({ api }) => new URL(api.rest).host)
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = (await Promise.all(members.map(tasksAt))).map((all) =>
      all.filter(({ state, worker_id: id }) => state === 'RUNNING' && ids.includes(id)),
    )
    const isShared = found.some(
      (all) =>
        all.length === tasks && ids.every((id) => all.filter((task) => task.worker_id === id).length >= leastEach),
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
