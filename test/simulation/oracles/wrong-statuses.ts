import { expectedState, expectedTasks, type ConfigFold } from '../../support/config/config-fold.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** Returns the statuses that do not show what runs, on which worker; on each worker's REST API. */
export async function wrongStatuses(cluster: Cluster, fold: ConfigFold): Promise<readonly string[]> {
  const problems: string[] = []
  for (const { herder, main } of cluster.workers) {
    for (const [name, connector] of fold) {
      const state = expectedState(connector)
      const wanted = expectedTasks(connector)
      const status = await herder?.connectorStatus(name).catch(() => null)
      if (status === undefined || status === null) {
        problems.push(`${main.name} shows no status of ${name}`)
        continue
      }
      if (status.connector.state !== state)
        problems.push(`${main.name}: ${name} is ${status.connector.state}, not ${state}`)
      const shown = new Map(status.tasks.map((task) => [task.id, task]))
      for (const number of wanted.keys()) {
        const owner = ownerOf(cluster, name, number)
        const task = shown.get(number)
        if (state === 'PAUSED' && owner === undefined && task?.state === 'FAILED') continue
        if (task?.state !== state || task.workerId !== owner)
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
