import { Cluster } from './cluster/cluster.ts'
import { User } from './cluster/user.ts'
import { Faults } from './faults/faults.ts'
import { Auditor } from './oracles/auditor.ts'
import { unsettled } from './oracles/unsettled.ts'
import { wrongStatuses } from './oracles/wrong-statuses.ts'
import { Simulation } from './world/simulation.ts'

/** What came of one run. Runs of one seed are equal in all of it. */
export interface Outcome {
  readonly seed: number
  /** What must not happen, and did. */
  readonly violations: readonly string[]
  /** The hash of everything that happened. */
  readonly hash: number
  readonly events: number
  /** The random numbers that components have drawn. */
  readonly draws: number
  /** The clock at the end, in milliseconds. */
  readonly endMs: number
  readonly acknowledged: number
  readonly zombies: number
}

/** How long the cluster may take, once nothing fails any more, until all is as configured. */
const settleMs = 180_000
/** For so long it has to stay as it is. */
const quietMs = 5000
const lookEveryMs = 100
/** A run that takes longer has come to a stop. */
const limitMs = 900_000

/** Runs the simulation of one seed. @param onLine receives what happens, line by line */
export async function run(seed: number, onLine: ((line: string) => void) | null = null): Promise<Outcome> {
  const simulation = new Simulation(seed, onLine)
  const cluster = new Cluster(simulation)
  simulation.note(JSON.stringify(simulation.settings))
  let isOver = false
  const scenario = play(cluster)
    .catch((error: unknown) => simulation.violated(`the test failed: ${String(error)} ${(error as Error).stack ?? ''}`))
    .finally(() => {
      isOver = true
    })
  await simulation.timeline.run(() => isOver || simulation.timeline.nowMs > limitMs)
  if (isOver) await scenario
  else simulation.violated('the run did not end')
  cluster.broker.discard()
  return {
    seed,
    violations: simulation.violations,
    hash: simulation.trace.hash,
    events: simulation.trace.count,
    draws: simulation.draws,
    endMs: simulation.timeline.nowMs,
    acknowledged: cluster.acknowledged.configs.length + cluster.acknowledged.records.size,
    zombies: cluster.ownership.zombies,
  }
}

async function play(cluster: Cluster): Promise<void> {
  const { simulation, places, broker } = cluster
  const { settings, random, director } = simulation
  const untilMs = settings.faultsMs
  await broker.start()
  const late = random.fork('starts')
  for (const place of places) void place.start(late.chance(0.5) ? 0 : late.between(0, untilMs))
  const users = settings.connectors.map((connector) => new User(cluster, connector))
  const work = Promise.all(users.map(async (user) => await user.work(untilMs)))
  await new Faults(cluster).work(untilMs)
  cluster.calm()
  while (cluster.workers.every(({ herder }) => herder === null)) await director.clock.sleep(lookEveryMs)
  const auditor = await Auditor.connect(cluster)
  await settle(cluster, auditor, { withinMs: settleMs, quietMs })
  if (simulation.violations.length > 0) return
  for (const what of cluster.rest.open) simulation.violated(`${what} has no response, although all is settled`)
  await work
  await settle(cluster, auditor, { withinMs: settleMs, quietMs: 0 })
  for (const missing of await cluster.acknowledged.missing(auditor)) simulation.violated(missing)
  if (simulation.violations.length > 0) return
  // In a cluster that is settled no rebalance waits for a heartbeat: a new connector and its tasks run at once.
  if (await new User(cluster, 'probe').change('create'))
    await settle(cluster, auditor, { withinMs: settings.heartbeatIntervalMs, quietMs: 0 })
  else simulation.violated('the settled cluster rejects a connector')
}

/** Waits until the cluster is settled, and stays so for a time. */
async function settle(
  cluster: Cluster,
  auditor: Auditor,
  { withinMs, quietMs }: { readonly withinMs: number; readonly quietMs: number },
): Promise<void> {
  const { simulation, workers } = cluster
  const { clock } = simulation.director
  const endMs = clock.monotonic() + withinMs
  for (let since = clock.monotonic(), generation = -1; ;) {
    const fold = await auditor.fold()
    const problems = [...(await unsettled(cluster, fold)), ...(await wrongStatuses(cluster, fold))]
    const current = workers[0]?.membership.generation ?? -1
    if (problems.length > 0 || current !== generation) since = clock.monotonic()
    generation = current
    if (problems.length === 0 && clock.monotonic() - since >= quietMs) return
    if (clock.monotonic() >= endMs) {
      for (const entry of await auditor.configs()) simulation.note(JSON.stringify(entry))
      simulation.violated(`not settled after ${withinMs} ms: ${problems.join('; ') || 'the group keeps rebalancing'}`)
      return
    }
    await clock.sleep(lookEveryMs)
  }
}
