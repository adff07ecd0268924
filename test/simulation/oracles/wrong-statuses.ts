import type { Cluster } from '../cluster/cluster.ts'
import type { FoldedConnector } from './config-fold.ts'

const stateOf = { STARTED: 'RUNNING', PAUSED: 'PAUSED', STOPPED: 'STOPPED' } as const

/** Returns the statuses that do not show what runs, on which worker; on each worker's REST API. */
export async function wrongStatuses(
  cluster: Cluster,
  fold: ReadonlyMap<string, FoldedConnector>,
): Promise<readonly string[]> {
  const problems: string[] = []
  for (const { herder, main } of cluster.workers) {
    for (const [name, { state, tasks }] of fold) {
      const status = await herder?.connectorStatus(name).catch(() => null)
      if (status === undefined || status === null) {
        problems.push(`${main.name} shows no status of ${name}`)
        continue
      }
      if (status.connector.state !== stateOf[state])
        problems.push(`${main.name}: ${name} is ${status.connector.state}, not ${state}`)
      const shown = new Map(status.tasks.map((task) => [task.id, task]))
      const wanted = state === 'STOPPED' ? [] : tasks
      for (const number of wanted.keys()) {
        const owner = ownerOf(cluster, name, number)
        const task = shown.get(number)
        if (state === 'PAUSED' && owner === undefined && task?.state === 'FAILED') continue
        if (task?.state !== stateOf[state] || task.workerId !== owner)
          problems.push(`${main.name}: ${name}-${number} is ${task?.state} on ${task?.workerId}, not on ${owner}`)
      }
      for (const id of shown.keys())
        if (id >= wanted.length) problems.push(`${main.name} shows ${name}-${id}, which is gone`)
    }
  }
  return problems
}

function ownerOf({ workers }: Cluster, connector: string, task: number): string | undefined {
  return workers.find(({ tasks }) =>
    [...(tasks?.runs ?? [])].some(({ start }) => start.id.connector === connector && start.id.task === task),
  )?.main.host
}
