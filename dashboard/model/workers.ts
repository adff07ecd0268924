import type { Activity, RunState } from './activity.ts'

/** What a worker runs, by the last reports of its connectors and tasks. */
export interface WorkerLoad {
  readonly id: string
  readonly connectors: readonly string[]
  readonly tasks: readonly { readonly connector: string; readonly task: number; readonly state: RunState }[]
}

/** The workers that run something, and the one that responds: that one first, the others by name. */
export function workersOf({ worker, connectors }: Activity): readonly WorkerLoad[] {
  const entries = Object.entries(connectors)
  const ids = new Set([
    worker.id,
    ...entries.flatMap(([, entry]) => [entry.worker_id, ...entry.tasks.map(({ worker_id }) => worker_id)]).toSorted(),
  ])
  return [...ids].map((id) => ({
    id,
    connectors: entries.filter(([, entry]) => entry.worker_id === id).map(([name]) => name),
    tasks: entries.flatMap(([connector, { tasks }]) =>
      tasks
        .filter(({ worker_id }) => worker_id === id)
        .map((task) => ({ connector, task: task.id, state: task.state })),
    ),
  }))
}
