import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { formatListenAddress } from '../../../src/foundation/network/listen-address.ts'
import { BrokerProcess } from '../broker/broker-process.ts'
import { Progress } from '../load/progress.ts'
import { LogView } from '../log/log-view.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { expectWhole, healthyAt } from './load-checks.ts'
import { plainJson, prepareLoad, removeDirectory, removeLoad, snapshotDone } from './load-stage.ts'
import type { LoadSize, LoadStage } from './load-stage.ts'
import { pipelineConnectors, topicOf } from './pipeline.ts'
import { placed } from './placed.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from './worker-process.ts'

/** A load, and how many changes a second it writes. */
export interface MainJobPlan extends LoadSize {
  readonly rate: number
}

/** Records that show that a pipeline continues. */
const proof = 200
const tasks = { source: 1, search: 1, archive: 1 }

/** Three workers, and the process of their broker. A worker that was killed can be started again. */
interface Group {
  readonly broker: BrokerProcess
  readonly bootstrap: string
  readonly places: readonly WorkerPlace[]
  readonly workers: WorkerProcess[]
}

/**
 * Kills the worker that has run everything while two others join, then the worker that runs each of the three tasks. Each time
 * the others continue. Then proves that the log, Elasticsearch and the archive have lost nothing.
 */
export async function killMainJob(plan: MainJobPlan): Promise<void> {
  const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)
  const { say } = new Progress('kill of the main job')
  say(`KILL_SEED=${seed}`)
  const stage = await prepareLoad(`group${process.pid}`, plan, seed, say)
  const group = await prepareGroup(stage)
  let hasFailed = false
  try {
    await killEach(group, stage, plan)
    await stage.load.stop()
    say(`the load ends: ${stage.load.changes} changes`)
    await expectNoLoss(group, stage)
  } catch (error) {
    hasFailed = true
    say(`${String(error)}\n${group.workers.map(({ output }) => output.slice(-2000)).join('\n')}`)
    throw error
  } finally {
    await Promise.all(group.workers.map(async (worker) => await worker.kill()))
    await group.broker.end('SIGKILL')
    await removeLoad(stage)
    removeDirectory(stage, hasFailed)
  }
}

async function killEach(group: Group, stage: LoadStage, { rate, ledgerRows }: MainJobPlan): Promise<void> {
  const first = await start(group, 0)
  for (const [name, config] of Object.entries(pipelineConnectors(stage.plan))) await first.post(name, config)
  stage.load.start(rate, ledgerRows)
  await snapshotDone(first)
  stage.say('one worker runs everything; two join, and it is killed')
  await Promise.all([start(group, 1), start(group, 2)])
  await continued(group, stage, first)
  for (const task of ['source-0', 'search-0', 'archive-0']) {
    const victim = (await placed(group.workers, tasks)).get(task)
    if (victim === undefined) throw new RangeError(`${task} runs on no worker`)
    stage.say(`the worker that runs ${task} is killed`)
    await continued(group, stage, victim)
  }
}

/** Kills a worker, waits until the others have continued, and starts it again. */
async function continued(group: Group, stage: LoadStage, victim: WorkerProcess): Promise<void> {
  const at = group.workers.indexOf(victim)
  await victim.kill()
  const others = group.workers.filter((worker) => worker !== victim)
  const [one] = others
  if (one === undefined) throw new RangeError('no worker is left')
  await placed(others, tasks)
  const topic = topicOf(stage.plan, 'orders')
  const log = await LogView.open(group.bootstrap)
  try {
    const end = (await log.end(topic)) + proof
    await healthyAt(one, 'rows come', end, async () => await log.end(topic))
    await healthyAt(one, 'rows are indexed', end, async () => await log.committed('search', topic))
    await healthyAt(one, 'rows are archived', end, async () => await log.committed('archive', topic))
  } finally {
    await log.close()
  }
  await start(group, at)
}

async function expectNoLoss(group: Group, stage: LoadStage): Promise<void> {
  const [worker] = group.workers
  if (worker === undefined) throw new RangeError('no worker is left')
  const log = await LogView.open(group.bootstrap)
  try {
    await expectWhole({ ...stage, worker, log })
  } finally {
    await log.close()
  }
  for (const one of group.workers) expect(await one.stop()).toBe(0)
}

async function prepareGroup({ directory }: LoadStage): Promise<Group> {
  const log = join(directory, 'log')
  mkdirSync(log)
  const broker = await BrokerProcess.start(log)
  const bootstrap = formatListenAddress(broker.address)
  const placeOf = async () => ({ rest: (await workerPlace(directory)).rest, broker: bootstrap, directory })
  return { broker, bootstrap, places: await Promise.all([placeOf(), placeOf(), placeOf()]), workers: [] }
}

async function start(group: Group, at: number): Promise<WorkerProcess> {
  const place = group.places[at]
  if (place === undefined) throw new RangeError(`there is no worker ${at}`)
  const settings = { ...kafkaSettings(group.bootstrap, 'main-job'), ...plainJson }
  group.workers[at] = await WorkerProcess.start(place, settings)
  return group.workers[at]
}
