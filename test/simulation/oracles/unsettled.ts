import { isDeepStrictEqual } from 'node:util'

import { expectedTasks, type ConfigFold, type FoldedConnector } from '../../support/config/config-fold.ts'
import { taskConfigsOf } from '../cluster/scripted-connectors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { SimulatedWorker } from '../cluster/simulated-worker.ts'

/**
 * Returns what keeps the cluster from being settled; nothing: every worker has read the whole config topic as the fold says, the
 * group is in one generation, and all that is to run runs, once, as the configuration says (I4).
 */
export async function unsettled(cluster: Cluster, fold: ConfigFold): Promise<readonly string[]> {
  const { places, workers } = cluster
  const missing = places
    .filter(({ worker }) => worker?.herder === null || worker === null)
    .map(({ host }) => `${host} does not run`)
  const views = await Promise.all(workers.map(async (worker) => await wrongView(worker, fold)))
  return [...missing, ...wrongGroup(workers), ...views.flat(), ...wrongWork(cluster, fold)]
}

function wrongGroup(workers: readonly SimulatedWorker[]): readonly string[] {
  const generations = workers.map(({ membership }) => membership.generation)
  const problems = generations.some((generation) => generation < 0 || generation !== generations[0])
    ? [`generations differ: ${generations.join(', ')}`]
    : []
  const leaders = workers.filter(({ membership }) => membership.isLeader)
  if (leaders.length !== 1) problems.push(`${leaders.length} workers lead`)
  for (const { conditions } of workers) problems.push(...conditions.standing.keys())
  for (const { membership, main } of workers) {
    if (membership.leaderUrl !== leaders[0]?.url)
      problems.push(`${main.name} takes ${membership.leaderUrl} for the leader`)
  }
  return problems
}

/** The view of a worker is what its REST API shows. */
async function wrongView({ herder, main }: SimulatedWorker, fold: ConfigFold): Promise<readonly string[]> {
  if (herder === null) return []
  const names = await herder.connectors()
  const problems: string[] = []
  if (!isDeepStrictEqual(names.toSorted(), [...fold.keys()].toSorted()))
    problems.push(`${main.name} shows the connectors ${names.join(', ')}`)
  for (const [name, { config, tasks }] of fold) {
    if (!names.includes(name)) continue
    if (!isDeepStrictEqual(await herder.connectorConfig(name), config)) problems.push(`${main.name}: config of ${name}`)
    const shown = (await herder.taskInfos(name)).map((info) => info.config)
    if (!isDeepStrictEqual(shown, tasks))
      problems.push(`${main.name}: task configs of ${name}: ${shown.length} of ${tasks.length}`)
  }
  return problems
}

function wrongWork(cluster: Cluster, fold: ConfigFold): readonly string[] {
  const { workers } = cluster
  const problems: string[] = []
  for (const [name, connector] of fold) {
    const instances = workers.filter((worker) => worker.connectors?.instances.has(name) === true)
    const wanted = connector.targetState === 'STARTED' ? 1 : 0
    if (instances.length !== wanted)
      problems.push(`${instances.length} instances of ${connector.targetState} ${name} run`)
    problems.push(...wrongTasks(cluster, name, connector))
  }
  const runs = workers.flatMap(({ tasks }) => [...(tasks?.runs ?? [])])
  for (const { name, start } of runs) if (!fold.has(start.id.connector)) problems.push(`${name} runs, and is deleted`)
  for (const { connectors, main } of workers)
    for (const name of connectors?.instances.keys() ?? [])
      if (!fold.has(name)) problems.push(`${main.name} runs connector ${name}, which is deleted`)
  return problems
}

function wrongTasks({ workers }: Cluster, name: string, connector: FoldedConnector): readonly string[] {
  const { config, tasks, targetState } = connector
  const runs = workers.flatMap((worker) =>
    [...(worker.tasks?.runs ?? [])].filter(({ start }) => start.id.connector === name).map((run) => ({ worker, run })),
  )
  const generated = taskConfigsOf(config, Number(config['tasks.max'])).length
  const problems: string[] = []
  if (targetState === 'STARTED' && tasks.length !== generated)
    problems.push(`${name} has ${tasks.length} tasks of ${generated}`)
  const wanted = expectedTasks(connector)
  for (const [number, task] of wanted.entries()) {
    const mine = runs.filter(({ run }) => run.start.id.task === number)
    // A task that fails while its connector is paused is started again afterwards.
    const mayBeNone = targetState === 'PAUSED' && mine.length === 0
    if (mine.length !== 1 && !mayBeNone) problems.push(`${mine.length} runs of ${name}-${number}`)
    for (const { run } of mine) {
      const { taskConfig } = run.start
      if (taskConfig['marker'] !== task['marker']) problems.push(`${run.name} has the config ${taskConfig['marker']}`)
      if (run.isPaused !== (targetState === 'PAUSED')) problems.push(`${run.name} is paused: ${run.isPaused}`)
      if (!run.mayWrite()) problems.push(`${run.name} may not write`)
    }
  }
  const more = runs.filter(({ run }) => run.start.id.task >= wanted.length)
  return [...problems, ...more.map(({ run }) => `${run.name} runs, and is not configured`)]
}
