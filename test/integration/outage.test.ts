import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Server } from '../../src/servers/server.ts'
import { Servers } from '../../src/servers/servers.ts'
import { ChangeLoad } from '../support/change-load.ts'
import { ElasticsearchClient } from '../support/elasticsearch-client.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { archiveFaults, documentFaults, loggedTable, type LoadTable, type LoggedTable } from '../support/load-checks.ts'
import { LogView } from '../support/log-view.ts'
import { pipelineConnectors, topicOf, type PipelinePlan } from '../support/pipeline.ts'
import { S3Bucket } from '../support/s3-bucket.ts'
import { describeWith, service } from '../support/services.ts'
import { eventually, workerPlace, WorkerProcess, type WorkerPlace } from '../support/worker-process.ts'

/** How long each server is away. */
const outageMs = Number(process.env['OUTAGE_MS'] ?? 60_000)
const rate = 500
const ledgerRows = 5000
const tables: readonly LoadTable[] = ['orders', 'ledger']

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
  const folder = mkdtempSync(join(tmpdir(), 'penstock-outage-'))
  let postgres: Server

  beforeAll(async () => {
    postgres = await servers.get('postgres')
  })
  afterAll(async () => {
    await servers.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('goes on by itself when they are back, restarted meanwhile or not, and has lost nothing', async () => {
    const stage = await prepare(postgres.address, folder)
    try {
      await flowing(stage)
      await outages(stage)
      await flowing(stage)
      await postgres.stop()
      await postgres.start()
      await stage.load.reconnect()
      await flowing(stage)
      await stage.load.stop()
      const logged = await checkLog(stage)
      await checkDocuments(stage)
      await checkArchive(stage, logged)
      expect(await stage.worker.stop()).toBe(0)
    } catch (error) {
      process.stderr.write(`${stage.worker.output.slice(-4000)}\n`)
      throw error
    } finally {
      await tearDown(stage)
    }
  }, 600_000)
})

async function prepare(postgresUrl: string, folder: string): Promise<Stage> {
  const prefix = `outage${process.pid}`
  const load = await ChangeLoad.make(postgresUrl, prefix, ledgerRows, 1)
  const proxies = {
    postgres: await before(postgresUrl),
    elasticsearch: await before(service('elasticsearch')),
    store: await before(service('minio')),
  }
  const bucket = await S3Bucket.create(service('minio'))
  const plan: PipelinePlan = {
    database: throughProxy(load.url, proxies.postgres),
    tables,
    prefix,
    slot: prefix,
    elasticsearch: throughProxy(service('elasticsearch'), proxies.elasticsearch),
    store: throughProxy(service('minio'), proxies.store),
    bucket: bucket.name,
    source: { 'decimal.handling.mode': 'string', 'time.precision.mode': 'isostring' },
    archive: { 'rotate.schedule.interval.ms': '5000' },
  }
  const worker = await startWorker(await workerPlace(folder))
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

/** Each server is away for a while, all of them together for most of it; then the worker starts anew. No task is given up. */
async function outages(stage: Stage): Promise<void> {
  const { proxies, log } = stage
  const sinks = [proxies.elasticsearch.away(outageMs), proxies.store.away(outageMs)]
  const topic = topicOf(stage.plan, 'ledger')
  const end = await log.end(topic)
  await healthyUntil(stage, 'the log grows without its sinks', async () => (await log.end(topic)) > end + rate)
  const source = proxies.postgres.away(outageMs)
  expect(await stage.worker.stop()).toBe(0)
  stage.worker = await startWorker(stage.worker.place)
  let back = false
  void Promise.all([...sinks, source]).then(() => (back = true))
  await healthyUntil(stage, 'all servers are back', async () => back)
}

/** Waits for it; a task that is given up meanwhile fails the test. */
async function healthyUntil(stage: Stage, what: string, holds: () => Promise<boolean>): Promise<void> {
  await eventually(what, outageMs + 120_000, async () => {
    expect(await stage.worker.failures()).toEqual([])
    return (await holds()) ? true : null
  })
}

/** Waits until both sinks have committed more of each topic than its end as of this moment. */
async function flowing(stage: Stage): Promise<void> {
  for (const table of tables) {
    const topic = topicOf(stage.plan, table)
    const end = await stage.log.end(topic)
    for (const sink of ['search', 'archive']) {
      await healthyUntil(
        stage,
        `${sink} is past ${end} of ${topic}`,
        async () => (await stage.log.committed(sink, topic)) > end,
      )
    }
  }
}

/** Waits for the last change, then reads the log. */
async function checkLog(stage: Stage): Promise<Readonly<Record<LoadTable, LoggedTable>>> {
  await stage.load.rows("INSERT INTO orders VALUES (999999999, 0, 1, now(), '{}', '{}', NULL)")
  const at = { kcat: service('kcat'), broker: stage.worker.place.broker }
  await healthyUntil(stage, 'the last row is in the log', async () => {
    const { values } = await loggedTable(stage.load, 'orders', topicOf(stage.plan, 'orders'), at)
    return values.some((value) => value?.includes('"after":{"id":999999999,') === true)
  })
  const orders = await loggedTable(stage.load, 'orders', topicOf(stage.plan, 'orders'), at)
  const ledger = await loggedTable(stage.load, 'ledger', topicOf(stage.plan, 'ledger'), at)
  expect([...orders.faults, ...ledger.faults]).toEqual([])
  expect(orders.values.length + ledger.values.length).toBeGreaterThan((rate * outageMs) / 2000)
  return { orders, ledger }
}

async function checkDocuments(stage: Stage): Promise<void> {
  const client = new ElasticsearchClient(service('elasticsearch'))
  for (const table of tables) {
    const topic = topicOf(stage.plan, table)
    const end = await stage.log.end(topic)
    await healthyUntil(
      stage,
      `${topic} is indexed to ${end}`,
      async () => (await stage.log.committed('search', topic)) >= end,
    )
    expect(await documentFaults(stage.load, table, client, topic)).toEqual([])
  }
}

/** After a last rotation by the clock each topic stands in the archive once, to its end. */
async function checkArchive(stage: Stage, logged: Readonly<Record<LoadTable, LoggedTable>>): Promise<void> {
  for (const table of tables) {
    const topic = topicOf(stage.plan, table)
    const { values } = logged[table]
    const archived = async (): Promise<boolean> => (await stage.log.committed('archive', topic)) >= values.length
    await healthyUntil(stage, `${topic} is archived to ${values.length}`, archived)
    const objects = new Map([...(await stage.bucket.objects())].filter(([key]) => key.startsWith(`topics/${topic}/`)))
    expect(archiveFaults(objects, values)).toEqual([])
  }
}

async function tearDown(stage: Stage): Promise<void> {
  await stage.worker.kill()
  await stage.load.stop()
  await stage.log.close()
  for (const proxy of Object.values(stage.proxies)) await proxy.close()
  for (const table of tables)
    await fetch(`${service('elasticsearch')}/${topicOf(stage.plan, table)}`, { method: 'DELETE' })
  await stage.bucket.remove()
}
