import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ChangeLoad } from '../postgres/change-load.ts'
import { expectWhole, healthyAt, healthyUntil, loadTables } from './load-checks.ts'
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
  readonly place: WorkerPlace
  readonly plan: PipelinePlan
  readonly bucket: S3Bucket
  readonly random: () => number
}

/**
 * Kills a worker inside its snapshot, at random times and at named points of its code while the database is written to;
 * then proves that the log, Elasticsearch and the archive hold each change, once. KILL_SEED repeats a run.
 */
export async function killUnderLoad(kill: KillPlan): Promise<void> {
  const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)
  process.stderr.write(`kill test: KILL_SEED=${seed}\n`)
  const directory = mkdtempSync(join(tmpdir(), 'penstock-kill-'))
  const stage = await prepare(kill, seed, directory)
  let worker = await start(stage)
  try {
    for (const [name, config] of Object.entries(pipelineConnectors(stage.plan))) await worker.post(name, config)
    stage.load.start(kill.rate, kill.ledgerRows)
    for (let i = 0; i < kill.kills.snapshot; i++) worker = await killInsideSnapshot(worker, stage)
    await snapshotDone(worker)
    for (let i = 0; i < kill.kills.random; i++) {
      await worker.killAfter(500 + stage.random() * 3000)
      worker = await start(stage)
    }
    for (const point of failPoints) worker = await endAt(point, worker, stage)
    await stage.load.stop()
    expect(await worker.failures()).toEqual([])
    await checkAll(worker, stage)
    expect(await worker.stop()).toBe(0)
  } catch (error) {
    process.stderr.write(
      `kill test: ${String(error instanceof Error ? error.stack : error)}\n${worker.output.slice(-4000)}\n`,
    )
    throw error
  } finally {
    await worker.kill()
    await stage.load.stop()
    await stage.load.drop()
    for (const table of loadTables)
      await fetch(`${service('elasticsearch')}/${topicOf(stage.plan, table)}`, { method: 'DELETE' })
    await stage.bucket.remove()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function prepare({ ledgerRows, writers }: KillPlan, seed: number, directory: string): Promise<Stage> {
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
  return { ledgerRows, load, place: await workerPlace(directory), plan, bucket, random: seededRandom(seed) }
}

function start(stage: Stage, failPoint?: string): Promise<WorkerProcess> {
  const json = { 'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false' }
  return WorkerProcess.start(stage.place, json, failPoint === undefined ? {} : { PENSTOCK_FAIL_POINT: failPoint })
}

/** Kills when the snapshot of the large table is somewhere inside. */
async function killInsideSnapshot(worker: WorkerProcess, stage: Stage): Promise<WorkerProcess> {
  const topic = topicOf(stage.plan, 'ledger')
  const log = await LogView.open(worker.place.broker)
  const wanted = (await log.end(topic)) + 1 + Math.floor(stage.random() * stage.ledgerRows * 0.6)
  await healthyAt(worker, 'the snapshot continues', wanted, async () => await log.end(topic))
  await log.close()
  await worker.kill()
  return start(stage)
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

async function checkAll(worker: WorkerProcess, stage: Stage): Promise<void> {
  const log = await LogView.open(worker.place.broker)
  const logged = await expectWhole({ ...stage, worker, log })
  await log.close()
  for (const table of loadTables) {
    const { values, resent } = logged[table]
    process.stderr.write(`kill test: ${table}: ${values.length} records, ${resent} of them re-sent\n`)
  }
}

/** Restarts with a fail point armed, waits until the worker has died of it, and starts it again. */
async function endAt(point: string, worker: WorkerProcess, stage: Stage): Promise<WorkerProcess> {
  await worker.kill()
  const armed = await start(stage, point)
  try {
    await armed.end(240_000)
  } finally {
    await armed.kill()
  }
  return start(stage)
}
