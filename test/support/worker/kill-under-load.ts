import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { loadTables } from '../load/load-tables.ts'
import { Progress } from '../load/progress.ts'
import { ChangeLoad } from '../postgres/change-load.ts'
import { expectWhole, healthyAt, healthyUntil } from './load-checks.ts'
import { LogView } from '../log/log-view.ts'
import { pipelineConnectors, topicOf, type PipelinePlan } from './pipeline.ts'
import { S3Bucket } from '../s3/s3-bucket.ts'
import { seededRandom } from '../seeded-random.ts'
import { service } from '../services.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from './worker-process.ts'

const failPoints = [
  'segment-roll@1',
  'after-ack-before-offset@5',
  'after-upload-before-commit@2',
  'after-ack-before-offset@40',
  'segment-roll@2',
]

/** How hard a worker is tried. */
export interface KillPlan {
  /** Rows that the snapshot reads. */
  readonly ledgerRows: number
  /** Connections that write, and how many changes a second they write together. */
  readonly writers: number
  readonly rate: number
  readonly kills: { readonly snapshot: number; readonly random: number }
}

/** Everything one run holds. */
interface Stage {
  readonly ledgerRows: number
  readonly load: ChangeLoad
  readonly directory: string
  readonly place: WorkerPlace
  readonly plan: PipelinePlan
  readonly bucket: S3Bucket
  readonly random: () => number
  readonly say: Progress['say']
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
  const stage = await prepare(kill, seed, say)
  let keeps = false
  try {
    const worker = await start(stage)
    for (const [name, config] of Object.entries(pipelineConnectors(stage.plan))) await worker.post(name, config)
    stage.load.start(kill.rate, kill.ledgerRows)
    say(`the load starts: ${kill.ledgerRows} rows, then ${kill.rate} changes a second of ${kill.writers} writers`)
    await expectSurvival(await killAll(worker, stage, kill), stage)
    say(`all is whole; the process of the test took at most ${Math.round(process.resourceUsage().maxRSS / 1000)} MB`)
  } catch (error) {
    say(`${String(error instanceof Error ? error.stack : error)}\n${stage.worker?.output.slice(-4000)}`)
    keeps = process.env['KILL_KEEP'] === '1'
    throw error
  } finally {
    await tearDown(stage)
    if (keeps) say(`keeps ${stage.directory}`)
    else rmSync(stage.directory, { recursive: true, force: true })
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

async function tearDown({ worker, load, plan, bucket }: Stage): Promise<void> {
  await worker?.kill()
  await load.stop()
  await load.drop()
  for (const table of loadTables)
    await fetch(`${service('elasticsearch')}/${topicOf(plan, table)}`, { method: 'DELETE' })
  await bucket.remove()
}

async function prepare({ ledgerRows, writers }: KillPlan, seed: number, say: Progress['say']): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-kill-'))
  const prefix = `kill${process.pid}`
  const load = await ChangeLoad.make(service('postgres'), prefix, { ledgerRows, seed, connections: writers })
  const bucket = await S3Bucket.create(service('minio'))
  const plan: PipelinePlan = {
    database: load.url,
    tables: loadTables,
    prefix,
    slot: prefix,
    elasticsearch: service('elasticsearch'),
    store: service('minio'),
    bucket: bucket.name,
    source: {
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'isostring',
      'topic.creation.default.segment.bytes': '4194304',
    },
    archive: { 'rotate.schedule.interval.ms': '5000' },
  }
  const place = await workerPlace(directory)
  return { ledgerRows, load, directory, place, plan, bucket, random: seededRandom(seed), say, worker: null, starts: 0 }
}

async function start(stage: Stage, failPoint?: string): Promise<WorkerProcess> {
  const json = { 'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false' }
  const env = failPoint === undefined ? {} : { PENSTOCK_FAIL_POINT: failPoint }
  stage.starts += 1
  stage.worker = await WorkerProcess.start(stage.place, json, env)
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

/** Until the stored offset is one of the stream: a kill before that would only begin another snapshot. */
async function snapshotDone(worker: WorkerProcess): Promise<void> {
  await healthyUntil(worker, 'the snapshot is complete and the stream acknowledged', 600_000, async () => {
    const { offsets } = (await worker.request('GET', '/connectors/source/offsets')) as StoredOffsets
    return offsets.some(({ offset }) => offset['lsn_commit'] !== undefined)
  })
}

interface StoredOffsets {
  readonly offsets: readonly { readonly offset: Readonly<Record<string, unknown>> }[]
}

/** Restarts with a fail point armed, and waits until the worker has died of it. */
async function endAt(point: string, worker: WorkerProcess, stage: Stage): Promise<void> {
  await worker.kill()
  const armed = await start(stage, point)
  await armed.end(240_000)
}
