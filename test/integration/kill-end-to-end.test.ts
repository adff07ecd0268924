import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { expect, it } from 'vitest'
import { ArchiveReader, coverFaults } from '../support/archive-reader.ts'
import { ChangeLoad } from '../support/change-load.ts'
import { ElasticsearchClient } from '../support/elasticsearch-client.ts'
import { RowHistory } from '../support/row-history.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeWith, service } from '../support/services.ts'
import { dumpTopic } from '../support/topic-dump.ts'
import { eventually, workerPlace, WorkerProcess, type WorkerPlace } from '../support/worker-process.ts'

const ledgerRows = Number(process.env['KILL_LEDGER_ROWS'] ?? 500_000)
const kills = { snapshot: 5, random: 10 }
const failPoints = [
  'segment-roll@1',
  'after-ack-before-offset@5',
  'after-upload-before-commit@2',
  'after-ack-before-offset@40',
  'segment-roll@2',
]
const rate = 2000
const tables = ['orders', 'ledger'] as const

/** Everything one run holds. */
interface Stage {
  readonly load: ChangeLoad
  readonly place: WorkerPlace
  readonly prefix: string
  readonly bucket: string
  readonly random: () => number
}

describeWith(['postgres', 'elasticsearch', 'minio', 'kcat'], 'a worker killed twenty times under load', () => {
  it('loses nothing and doubles nothing, in the log, in Elasticsearch and in the archive', async () => {
    const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)
    process.stderr.write(`kill test: KILL_SEED=${seed}\n`)
    const folder = mkdtempSync(join(tmpdir(), 'penstock-kill-'))
    const stage = await prepare(seed, folder)
    let worker = await start(stage)
    try {
      for (const [name, config] of Object.entries(connectors(stage))) await worker.post(name, config)
      stage.load.start(rate, ledgerRows)
      for (let i = 0; i < kills.snapshot; i++) worker = await killInsideSnapshot(worker, stage)
      await snapshotDone(worker, stage)
      for (let i = 0; i < kills.random; i++) {
        await worker.killAfter(500 + stage.random() * 3000)
        worker = await start(stage)
      }
      for (const point of failPoints) worker = await endAt(point, worker, stage)
      await stage.load.stop()
      expect(await worker.failures()).toEqual([])
      await checkLog(worker, stage)
      await checkDocuments(worker, stage)
      await checkArchive(worker, stage)
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
      for (const table of tables)
        await fetch(`${service('elasticsearch')}/${topicOf(stage, table)}`, { method: 'DELETE' })
      rmSync(folder, { recursive: true, force: true })
    }
  }, 900_000)
})

async function prepare(seed: number, folder: string): Promise<Stage> {
  const prefix = `kill${process.pid}`
  const load = await ChangeLoad.make(service('postgres'), prefix, ledgerRows, seed)
  const archive = new ArchiveReader(service('minio'), prefix)
  await archive.client.send(new CreateBucketCommand({ Bucket: prefix }))
  return { load, place: await workerPlace(folder), prefix, bucket: prefix, random: seededRandom(seed) }
}

function start(stage: Stage, failPoint?: string): Promise<WorkerProcess> {
  const json = { 'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false' }
  return WorkerProcess.start(stage.place, json, failPoint === undefined ? {} : { PENSTOCK_FAIL_POINT: failPoint })
}

/** Kills when the snapshot of the large table is somewhere inside. */
async function killInsideSnapshot(worker: WorkerProcess, stage: Stage): Promise<WorkerProcess> {
  const admin = await adminOf(worker)
  const before = await endOf(admin, topicOf(stage, 'ledger'))
  const wanted = before + 1 + Math.floor(stage.random() * ledgerRows * 0.6)
  await eventually('the snapshot goes on', 120_000, async () => {
    expect(await worker.failures()).toEqual([])
    return (await endOf(admin, topicOf(stage, 'ledger'))) >= wanted ? true : null
  })
  await admin.disconnect()
  await worker.kill()
  return start(stage)
}

async function snapshotDone(worker: WorkerProcess, stage: Stage): Promise<void> {
  const [row] = await stage.load.rows('SELECT max(id) AS id FROM orders')
  const admin = await adminOf(worker)
  // Orders come only by streaming while the snapshot of the ledger is longer than that of the orders.
  let seen = await endOf(admin, topicOf(stage, 'orders'))
  await eventually(`orders stream after row ${String(row?.['id'])}`, 240_000, async () => {
    expect(await worker.failures()).toEqual([])
    const end = await endOf(admin, topicOf(stage, 'orders'))
    const grown = end - seen
    seen = end
    return grown > 0 && (await flushed(stage)) ? true : null
  })
  await admin.disconnect()
}

/** Whether the slot has been confirmed past its start: the snapshot is over and the stream acknowledged. */
async function flushed(stage: Stage): Promise<boolean> {
  const [slot] = await stage.load.rows(
    `SELECT confirmed_flush_lsn > restart_lsn AND active AS ok FROM pg_replication_slots WHERE slot_name = '${stage.prefix}'`,
  )
  const [lag] = await stage.load.rows(
    `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) < 50000000 AS near FROM pg_replication_slots WHERE slot_name = '${stage.prefix}'`,
  )
  return slot?.['ok'] === true && lag?.['near'] === true
}

/** Restarts with a fail point armed, waits until the worker has died of it, and starts it again. */
async function endAt(point: string, worker: WorkerProcess, stage: Stage): Promise<WorkerProcess> {
  await worker.kill()
  const armed = await start(stage, point)
  try {
    await armed.end(60_000)
  } finally {
    await armed.kill()
  }
  return start(stage)
}

async function adminOf(worker: WorkerProcess): Promise<Admin> {
  const admin = new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  return admin
}

async function endOf(admin: Admin, topic: string): Promise<number> {
  try {
    const [partition] = await admin.fetchTopicOffsets(topic)
    return Number(partition?.high ?? 0)
  } catch {
    return 0
  }
}

function topicOf(stage: Stage, table: string): string {
  return `${stage.prefix}.public.${table}`
}

/** Waits until the source has nothing left to send: the last row written is in the log. */
async function checkLog(worker: WorkerProcess, stage: Stage): Promise<void> {
  await stage.load.rows("INSERT INTO orders VALUES (999999999, 0, 1, now(), '{}', '{}', NULL)")
  await eventually('the last row is in the log', 120_000, async () => {
    let found = false
    await dumpTopic(service('kcat'), worker.place.broker, topicOf(stage, 'orders'), ({ key }) => {
      if (key === '{"id":999999999}') found = true
    })
    return found ? true : null
  })
  for (const table of tables) {
    const history = new RowHistory()
    await dumpTopic(service('kcat'), worker.place.broker, topicOf(stage, table), ({ key, value }) => {
      if (value === null) return
      const { op, after } = JSON.parse(value) as { op: string; after: { rev: number } | null }
      if (op === 'd' || after === null) history.see(key, { kind: 'end' })
      else history.see(key, { kind: op === 'r' ? 'read' : 'change', rev: after.rev })
    })
    const rows = await stage.load.rows(`SELECT id::text AS id, rev FROM ${table}`)
    history.finish(new Map(rows.map((row) => [`{"id":${String(row['id'])}}`, Number(row['rev'])])))
    process.stderr.write(`kill test: ${table}: ${rows.length} rows, ${history.resent} records re-sent\n`)
    expect(history.faults).toEqual([])
  }
}

/** Documents equal what SELECT answers, rendered by the rules of the sink. */
async function checkDocuments(worker: WorkerProcess, stage: Stage): Promise<void> {
  const client = new ElasticsearchClient(service('elasticsearch'))
  for (const table of tables) {
    const expected = new Map(
      (await stage.load.rows(selects[table])).map((row) => [String(row['id']), String(row['doc'])]),
    )
    await eventually(`index of ${table} holds ${expected.size} documents`, 240_000, async () => {
      expect(await worker.failures()).toEqual([])
      return (await client.count(topicOf(stage, table))) === expected.size && (await caughtUp(worker, stage, table))
        ? true
        : null
    })
    const documents = await client.documents(topicOf(stage, table))
    const faults: string[] = []
    for (const [id, doc] of expected) {
      const found = documents.get(id)
      if (found !== undefined && normal(found) === normal(doc)) continue
      faults.push(`${id}: table ${doc.slice(0, 300)} — index ${found?.slice(0, 300) ?? 'nothing'}`)
    }
    expect(faults.slice(0, 5)).toEqual([])
    expect(documents.size).toBe(expected.size)
  }
}

async function caughtUp(worker: WorkerProcess, stage: Stage, table: string): Promise<boolean> {
  const admin = await adminOf(worker)
  const [group] = await admin.fetchOffsets({ groupId: 'connect-search', topics: [topicOf(stage, table)] })
  const end = await endOf(admin, topicOf(stage, table))
  await admin.disconnect()
  return Number(group?.partitions[0]?.offset ?? -1) >= end
}

/** Objects, and the order of keys in them, carry no meaning; trailing zeros of a second's fraction do not either. */
function normal(json: string): string {
  const { id, ...rest } = JSON.parse(json) as Record<string, unknown>
  const at = rest['at']
  if (typeof at === 'string') rest['at'] = at.replace(/\.?0*Z$/, 'Z')
  if (typeof rest['meta'] === 'string') rest['meta'] = JSON.parse(rest['meta'])
  return JSON.stringify([id, Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

const selects = {
  orders: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'total', total::text,
      'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'meta', meta::text, 'tags', tags, 'big', big)::text AS doc FROM orders`,
  ledger: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'amount', amount::text, 'note', note)::text AS doc FROM ledger`,
}

/** After a last rotation by the clock each topic is covered once, to its end; tombstones have an offset and no line. */
async function checkArchive(worker: WorkerProcess, stage: Stage): Promise<void> {
  const archive = new ArchiveReader(service('minio'), stage.bucket)
  for (const table of tables) {
    const tombstones: number[] = []
    let end = 0
    await dumpTopic(service('kcat'), worker.place.broker, topicOf(stage, table), ({ offset, value }) => {
      if (value === null) tombstones.push(offset)
      end = offset + 1
    })
    const objects = await eventually(`${table} is archived to ${end}`, 120_000, async () => {
      expect(await worker.failures()).toEqual([])
      const found = await archive.objects(topicOf(stage, table), 0)
      const lines = found.reduce((sum, object) => sum + object.lines, 0)
      return lines + tombstones.length >= end ? found : null
    })
    expect(coverFaults(objects, end, tombstones)).toEqual([])
  }
}

function connectors(stage: Stage): Record<string, Record<string, string>> {
  const db = new URL(stage.load.url)
  const s3 = new URL(service('minio'))
  const topics = tables.map((table) => topicOf(stage, table)).join(',')
  return {
    source: {
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'database.hostname': db.hostname,
      'database.port': db.port,
      'database.user': decodeURIComponent(db.username),
      'database.password': decodeURIComponent(db.password),
      'database.dbname': db.pathname.slice(1),
      'topic.prefix': stage.prefix,
      'plugin.name': 'pgoutput',
      'slot.name': stage.prefix,
      'publication.name': stage.prefix,
      'publication.autocreate.mode': 'filtered',
      'table.include.list': 'public.orders,public.ledger',
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'isostring',
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.segment.bytes': '4194304',
    },
    search: {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics,
      'connection.url': service('elasticsearch'),
    },
    archive: {
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics,
      's3.bucket.name': stage.bucket,
      's3.region': 'us-east-1',
      'store.url': s3.origin,
      'aws.access.key.id': s3.username,
      'aws.secret.access.key': s3.password,
      'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      's3.compression.type': 'gzip',
      'flush.size': '20000',
      'rotate.schedule.interval.ms': '5000',
      timezone: 'UTC',
    },
  }
}
