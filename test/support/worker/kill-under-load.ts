import { expect } from 'vitest'
import { Progress } from '../load/progress.ts'
import { expectWhole, healthyAt } from './load-checks.ts'
import { LogView } from '../log/log-view.ts'
import { plainJson, prepareLoad, removeDirectory, removeLoad, snapshotDone } from './load-stage.ts'
import type { LoadSize, LoadStage } from './load-stage.ts'
import { pipelineConnectors, topicOf } from './pipeline.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from './worker-process.ts'

const failPoints = [
  'segment-roll@1',
  'after-ack-before-offset@5',
  'after-upload-before-commit@2',
  'after-ack-before-offset@40',
  'segment-roll@2',
]

/** How hard a worker is tried. */
export interface KillPlan extends LoadSize {
  /** How many changes a second the connections write together. */
  readonly rate: number
  readonly kills: { readonly snapshot: number; readonly random: number }
}

/** Everything one run holds. */
interface Stage extends LoadStage {
  readonly place: WorkerPlace
  /** The latest worker, and how many there were. */
  worker: WorkerProcess | null
  starts: number
}

/**
 * Kills a worker inside its snapshot, at random times and at named points of its code while the database is written to;
 * then proves that the log, Elasticsearch and the archive hold each change, once. KILL_SEED repeats a run; KILL_KEEP=1
 * keeps the log of a run that fails.
 */
export async function killUnderLoad(kill: KillPlan): Promise<void> {
  const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)
  const { say } = new Progress('kill test')
  say(`KILL_SEED=${seed}`)
  const prepared = await prepareLoad(`kill${process.pid}`, kill, seed, say)
  const stage: Stage = { ...prepared, place: await workerPlace(prepared.directory), worker: null, starts: 0 }
  let hasFailed = false
  try {
    const worker = await start(stage)
    for (const [name, config] of Object.entries(pipelineConnectors(stage.plan))) await worker.post(name, config)
    stage.load.start(kill.rate, kill.ledgerRows)
    say(`the load starts: ${kill.ledgerRows} rows, then ${kill.rate} changes a second of ${kill.writers} writers`)
    await expectSurvival(await killAll(worker, stage, kill), stage)
    say(`all is whole; the process of the test took at most ${Math.round(process.resourceUsage().maxRSS / 1000)} MB`)
  } catch (error) {
    say(`${String(error instanceof Error ? error.stack : error)}\n${stage.worker?.output.slice(-4000)}`)
    hasFailed = true
    throw error
  } finally {
    await stage.worker?.kill()
    await removeLoad(stage)
    removeDirectory(stage, hasFailed)
  }
}

/** Kills inside the snapshot, then at random times, then at named points. Returns the worker after the last one. */
async function killAll(first: WorkerProcess, stage: Stage, { kills }: KillPlan): Promise<WorkerProcess> {
  let worker = first
  for (let i = 1; i <= kills.snapshot; i++) {
    const records = await killInsideSnapshot(worker, stage)
    stage.say(`kill ${i} of ${kills.snapshot} inside the snapshot, when the log held ${records} records of the ledger`)
    worker = await start(stage)
  }
  await snapshotDone(worker)
  stage.say('the snapshot is complete and the stream acknowledged')
  for (let i = 1; i <= kills.random; i++) {
    const lifeMs = Math.round(500 + stage.random() * 3000)
    await worker.killAfter(lifeMs)
    stage.say(`kill ${i} of ${kills.random} at random, after ${lifeMs} ms`)
    worker = await start(stage)
  }
  for (const point of failPoints) {
    await endAt(point, worker, stage)
    stage.say(`the worker ended at ${point}`)
    worker = await start(stage)
  }
  return worker
}

/** Ends the load, and expects that the worker has lost nothing and doubled nothing. */
async function expectSurvival(worker: WorkerProcess, stage: Stage): Promise<void> {
  await stage.load.stop()
  stage.say(`the load ends: ${stage.load.changes} changes`)
  expect(await worker.failures()).toEqual([])
  const log = await LogView.open(worker.place.broker)
  try {
    await expectWhole({ ...stage, worker, log, resumptions: stage.starts - 1 })
  } finally {
    await log.close()
  }
  expect(await worker.stop()).toBe(0)
}

async function start(stage: Stage, failPoint?: string): Promise<WorkerProcess> {
  const env = failPoint === undefined ? {} : { PENSTOCK_FAIL_POINT: failPoint }
  stage.starts += 1
  stage.worker = await WorkerProcess.start(stage.place, plainJson, env)
  return stage.worker
}

/** Kills when the snapshot of the large table is somewhere inside. Returns how many records of it the log held. */
async function killInsideSnapshot(worker: WorkerProcess, stage: Stage): Promise<number> {
  const topic = topicOf(stage.plan, 'ledger')
  const log = await LogView.open(worker.place.broker)
  const wanted = (await log.end(topic)) + 1 + Math.floor(stage.random() * stage.ledgerRows * 0.6)
  await healthyAt(worker, 'the snapshot continues', wanted, async () => await log.end(topic))
  await log.close()
  await worker.kill()
  return wanted
}

/** Restarts with a fail point armed, and waits until the worker has died of it. */
async function endAt(point: string, worker: WorkerProcess, stage: Stage): Promise<void> {
  await worker.kill()
  const armed = await start(stage, point)
  await armed.end(240_000)
}
