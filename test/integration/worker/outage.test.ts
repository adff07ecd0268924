import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Server } from '../../../src/servers/process/server.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { ChangeLoad } from '../../support/postgres/change-load.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { loadTables } from '../../support/load/load-tables.ts'
import { expectWhole, healthyUntil } from '../../support/worker/load-checks.ts'
import { LogView } from '../../support/log/log-view.ts'
import { pipelineConnectors, topicOf, type PipelinePlan } from '../../support/worker/pipeline.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from '../../support/worker/worker-process.ts'

/** How long each server is away. */
const outageMs = Number(process.env['OUTAGE_MS'] ?? 60_000)
const rate = 500
const ledgerRows = 5000
const patienceMs = outageMs + 240_000

type Away = 'postgres' | 'elasticsearch' | 'store'

/** A pipeline whose servers are all behind proxies, under load. */
interface Stage {
  readonly load: ChangeLoad
  /** Another one after a restart, at the same place. */
  worker: WorkerProcess
  readonly log: LogView
  readonly proxies: Readonly<Record<Away, FaultProxy>>
  readonly bucket: S3Bucket
  readonly plan: PipelinePlan
}

describeWith(['elasticsearch', 'minio', 'kcat'], 'a pipeline whose servers go away under load', () => {
  const servers = Servers.open()
  const directory = mkdtempSync(join(tmpdir(), 'penstock-outage-'))
  let postgres: Server

  beforeAll(async () => {
    postgres = await servers.get('postgres')
  })
  afterAll(async () => {
    await servers.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('continues by itself when they are back, restarted meanwhile or not, and has lost nothing (I7)', async () => {
    const stage = await prepare(postgres.address, directory)
    try {
      await flowing(stage)
      await outages(stage)
      await flowing(stage)
      await postgres.stop()
      await postgres.start()
      await stage.load.reconnect()
      await flowing(stage)
      await stage.load.stop()
      await expectWhole(stage)
      expect(await stage.worker.stop()).toBe(0)
    } catch (error) {
      process.stderr.write(`${stage.worker.output.slice(-4000)}\n`)
      throw error
    } finally {
      await tearDown(stage)
    }
  }, 1_800_000)
})

async function prepare(postgresUrl: string, directory: string): Promise<Stage> {
  const prefix = `outage${process.pid}`
  const load = await ChangeLoad.make(postgresUrl, prefix, { ledgerRows, seed: 1 })
  const proxies = {
    postgres: await before(postgresUrl),
    elasticsearch: await before(service('elasticsearch')),
    store: await before(service('minio')),
  }
  const bucket = await S3Bucket.create(service('minio'))
  const plan: PipelinePlan = {
    database: throughProxy(load.url, proxies.postgres),
    tables: loadTables,
    prefix,
    slot: prefix,
    elasticsearch: throughProxy(service('elasticsearch'), proxies.elasticsearch),
    store: throughProxy(service('minio'), proxies.store),
    bucket: bucket.name,
    source: { 'decimal.handling.mode': 'string', 'time.precision.mode': 'isostring' },
    archive: { 'rotate.schedule.interval.ms': '5000' },
  }
  const worker = await startWorker(await workerPlace(directory))
  for (const [name, config] of Object.entries(pipelineConnectors(plan))) await worker.post(name, config)
  load.start(rate, ledgerRows)
  return { load, worker, log: await LogView.open(worker.place.broker), proxies, bucket, plan }
}

function startWorker(place: WorkerPlace): Promise<WorkerProcess> {
  return WorkerProcess.start(place, {
    'key.converter.schemas.enable': 'false',
    'value.converter.schemas.enable': 'false',
    'offset.flush.interval.ms': '1000',
  })
}

function before(url: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(url)
  return FaultProxy.open(hostname, Number(port))
}

function throughProxy(url: string, proxy: FaultProxy): string {
  const changed = new URL(url)
  changed.port = String(proxy.port)
  return changed.href
}

/** Each server is away for a while, all of them together for most of it; then the worker starts again. No task is given up. */
async function outages(stage: Stage): Promise<void> {
  const { proxies, log } = stage
  const sinks = [proxies.elasticsearch.away(outageMs), proxies.store.away(outageMs)]
  const topic = topicOf(stage.plan, 'ledger')
  const end = await log.end(topic)
  await healthyUntil(
    stage.worker,
    'the log grows without its sinks',
    patienceMs,
    async () => (await log.end(topic)) > end + rate,
  )
  const source = proxies.postgres.away(outageMs)
  expect(await stage.worker.stop()).toBe(0)
  stage.worker = await startWorker(stage.worker.place)
  let back = false
  void Promise.all([...sinks, source]).then(() => (back = true))
  await healthyUntil(stage.worker, 'all servers are back', patienceMs, async () => back)
}

/** Waits until both sinks have committed more of each topic than its end as of this moment. */
async function flowing(stage: Stage): Promise<void> {
  for (const table of loadTables) {
    const topic = topicOf(stage.plan, table)
    const end = await stage.log.end(topic)
    for (const sink of ['search', 'archive']) {
      await healthyUntil(
        stage.worker,
        `${sink} is past ${end} of ${topic}`,
        patienceMs,
        async () => (await stage.log.committed(sink, topic)) > end,
      )
    }
  }
}

async function tearDown(stage: Stage): Promise<void> {
  await stage.worker.kill()
  await stage.load.stop()
  await stage.log.close()
  for (const proxy of Object.values(stage.proxies)) await proxy.close()
  for (const table of loadTables)
    await fetch(`${service('elasticsearch')}/${topicOf(stage.plan, table)}`, { method: 'DELETE' })
  await stage.bucket.remove()
}
