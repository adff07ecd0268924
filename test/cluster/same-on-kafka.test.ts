import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ElasticsearchClient } from '../support/elasticsearch/elasticsearch-client.ts'
import { maskJson } from '../support/rest/json-mask.ts'
import { LogView } from '../support/log/log-view.ts'
import { pipelineConnectors, topicOf, type PipelinePlan } from '../support/worker/pipeline.ts'
import { TestDatabase } from '../support/postgres/postgres.ts'
import { S3Bucket } from '../support/s3/s3-bucket.ts'
import { describeWith, service } from '../support/services.ts'
import { dumpTopic } from '../support/broker/topic-dump.ts'
import { kafkaSettings } from '../support/worker/kafka-settings.ts'
import { eventually, workerPlace, WorkerProcess } from '../support/worker/worker-process.ts'

const tables = ['types', 'docs'] as const
const flushSize = 5

/** Each pipeline works at its own time. */
const worked = ['ts_ms', 'ts_us', 'ts_ns']
/** Each slot was made at its own position. */
const read = ['source.ts_ms', 'source.ts_us', 'source.ts_ns', 'source.lsn', 'source.txId', 'source.sequence']

/** The whole of what one pipeline gave out. */
interface Outcome {
  /** Records by topic, in order: key, headers, value. */
  readonly log: Record<string, string[]>
  /** Documents by topic and id. */
  readonly documents: Record<string, Record<string, string>>
  /** Lines by object name. */
  readonly archive: Record<string, string[]>
}

/** A worker with the three connectors, and where they write. */
class Twin {
  readonly worker: WorkerProcess
  readonly broker: string
  readonly plan: PipelinePlan
  readonly bucket: S3Bucket

  constructor(worker: WorkerProcess, broker: string, plan: PipelinePlan, bucket: S3Bucket) {
    this.worker = worker
    this.broker = broker
    this.plan = plan
    this.bucket = bucket
  }

  async records(table: string): Promise<string[]> {
    const records: string[] = []
    const dump = { broker: this.broker, topic: topicOf(this.plan, table) }
    for await (const { key, value, headers } of dumpTopic(service('kcat'), dump)) {
      const isRead = value?.includes('"op":"r"') === true
      records.push(
        [key, isRead ? headers.replace(/(__penstock\.version)=\d+/, '$1=*') : headers, masked(value, 'payload.')].join(
          ' | ',
        ),
      )
    }
    return records
  }

  /** Documents of a table by id. */
  async documents(table: string): Promise<Record<string, string>> {
    const client = new ElasticsearchClient(service('elasticsearch'))
    return Object.fromEntries(await client.documents(`${this.plan.slot}-${table}`))
  }

  async archive(): Promise<Record<string, string[]>> {
    const objects = [...(await this.bucket.objects())]
    return Object.fromEntries(objects.map(([key, lines]) => [key, lines.map((line) => masked(line, ''))]))
  }
}

/** A change event without what belongs to the run. @param root where the envelope stands in the JSON. */
function masked(value: string | null, root: string): string {
  if (value === null) return 'tombstone'
  const paths = value.includes('"op":"r"') ? [...worked, ...read] : worked
  return maskJson(
    value,
    paths.map((path) => root + path),
  )
}

describeWith(['postgres', 'elasticsearch', 'minio', 'kafka', 'kcat'], 'the same connectors on Kafka', () => {
  it('write the same records, documents and objects as on the embedded log', async () => {
    const prefix = `same${process.pid}`
    const directory = mkdtempSync(join(tmpdir(), 'penstock-same-'))
    const db = await TestDatabase.create(service('postgres'), 'same')
    const twins: Twin[] = []
    try {
      await db.play(setup())
      const first = await start(db, prefix, 'embedded', directory, {})
      twins.push(first)
      const second = await start(db, prefix, 'kafka', directory, kafkaSettings(service('kafka'), prefix))
      twins.push(second)
      for (const twin of twins) await streaming(db, twin)
      await db.play(changes())
      const [embedded, kafka] = await Promise.all([outcomeOf(first), outcomeOf(second)])
      for (const part of ['log', 'documents', 'archive'] as const) {
        expect(Object.values(embedded[part]).flatMap((texts) => Object.values(texts)).length, part).toBeGreaterThan(10)
        expect(differences(embedded[part], kafka[part]), part).toEqual([])
      }
    } finally {
      await Promise.all(twins.map(({ worker }) => worker.stop()))
      await db.drop()
      await cleanUp(prefix, twins)
      rmSync(directory, { recursive: true, force: true })
    }
  }, 300_000)
})

type Texts = Readonly<Record<string, readonly string[] | Readonly<Record<string, string>>>>

/** Where two outcomes part, with what stands there: the texts themselves are long. */
function differences(ours: Texts, theirs: Texts): string[] {
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)])
  return [...names].flatMap((name) => {
    const [left, right] = [new Map(Object.entries(ours[name] ?? {})), new Map(Object.entries(theirs[name] ?? {}))]
    const entries = new Set([...left.keys(), ...right.keys()])
    return [...entries].flatMap((entry) => {
      const [a, b] = [left.get(entry) ?? 'nothing', right.get(entry) ?? 'nothing']
      let at = 0
      while (at < a.length && a[at] === b[at]) at += 1
      const from = Math.max(0, at - 60)
      return a === b ? [] : [`${name} ${entry}, from ${from}: ${a.slice(from, at + 60)} — ${b.slice(from, at + 60)}`]
    })
  })
}

/** Both write the same topics; indices and buckets are told apart, because there is one Elasticsearch and one store. */
async function start(
  db: TestDatabase,
  prefix: string,
  log: 'embedded' | 'kafka',
  directory: string,
  settings: Readonly<Record<string, string>>,
): Promise<Twin> {
  const place = await workerPlace(join(directory, log))
  const bucket = await S3Bucket.create(service('minio'))
  const worker = await WorkerProcess.start(place, { 'offset.flush.interval.ms': '1000', ...settings })
  const slot = `${prefix}_${log}`
  const plan: PipelinePlan = {
    database: db.url.href,
    tables,
    prefix,
    slot,
    elasticsearch: service('elasticsearch'),
    store: service('minio'),
    bucket: bucket.name,
    search: {
      transforms: 'index',
      'transforms.index.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.index.regex': '.*\\.(\\w+)',
      'transforms.index.replacement': `${slot}-$1`,
    },
    archive: { 'flush.size': String(flushSize) },
  }
  const twin = new Twin(worker, log === 'kafka' ? service('kafka') : place.broker, plan, bucket)
  for (const [name, config] of Object.entries(pipelineConnectors(plan))) await worker.post(name, config)
  return twin
}

async function streaming(db: TestDatabase, twin: Twin): Promise<void> {
  await eventually(`${twin.plan.slot} streams`, 60_000, async () => {
    expect(await twin.worker.failures()).toEqual([])
    const found = await db.rows(
      "SELECT 1 FROM pg_stat_replication JOIN pg_replication_slots ON active_pid = pid WHERE slot_name = $1 AND state = 'streaming'",
      [twin.plan.slot],
    )
    return found.length > 0 ? true : null
  })
}

/** Everything, once the last row of each table stands in the log, in its index and in as many objects as are full. */
async function outcomeOf(twin: Twin): Promise<Outcome> {
  const outcome: Outcome = { log: {}, documents: {}, archive: {} }
  const log = await LogView.open(twin.broker)
  let objects = 0
  for (const table of tables) {
    const topic = topicOf(twin.plan, table)
    const records = await eventually(`${topic} is whole at ${twin.broker} and applied`, 120_000, async () => {
      expect(await twin.worker.failures()).toEqual([])
      // kcat fails on a topic that the source has not created yet.
      if ((await log.end(topic)) === 0) return null
      const found = await twin.records(table)
      const applied = await log.committed('search', topic)
      return found.at(-1)?.includes('the end') === true && applied >= found.length ? found : null
    })
    outcome.log[topic] = records
    outcome.documents[table] = await twin.documents(table)
    objects += Math.floor(records.filter((record) => !record.endsWith('tombstone')).length / flushSize)
  }
  const archive = await eventually(`${objects} objects`, 60_000, async () => {
    expect(await twin.worker.failures()).toEqual([])
    const found = await twin.archive()
    return Object.keys(found).length >= objects ? found : null
  })
  await log.close()
  return { ...outcome, archive }
}

async function cleanUp(prefix: string, twins: readonly Twin[]): Promise<void> {
  for (const { bucket, plan } of twins) {
    await bucket.remove()
    for (const table of tables) await fetch(`${service('elasticsearch')}/${plan.slot}-${table}`, { method: 'DELETE' })
  }
  const log = await LogView.open(service('kafka'))
  const topics = (await log.admin.listTopics()).filter((topic) => topic.startsWith(prefix))
  await log.admin.deleteTopics({ topics })
  await log.close()
}

/** The table of all types that Debezium was recorded with, and one of large values. */
function setup(): string {
  return `${half(0)}
    CREATE TABLE docs (id int PRIMARY KEY, big text, meta jsonb, n int);
    ALTER TABLE docs ALTER big SET STORAGE EXTERNAL;
    INSERT INTO docs SELECT g, repeat('b', 9000), jsonb_build_object('g', g), g FROM generate_series(1, 12) g`
}

function changes(): string {
  return `${half(1)}
    UPDATE docs SET n = n + 1 WHERE id <= 6;
    UPDATE docs SET big = 'small', n = 0 WHERE id = 2;
    UPDATE docs SET id = 100 WHERE id = 3;
    DELETE FROM docs WHERE id = 4;
    BEGIN; INSERT INTO docs VALUES (101, 'one', '{"a": 1.50}', 1); UPDATE docs SET n = 2 WHERE id = 101; DELETE FROM docs WHERE id = 5; COMMIT;
    BEGIN; INSERT INTO docs VALUES (102, 'rolled back', '{}', 1); ROLLBACK;
    INSERT INTO types (id, c_text) VALUES (999, 'the end');
    INSERT INTO docs VALUES (999, 'the end', '{}', 1)`
}

/** The recorded script before or after the snapshot, with its first table alone, under our name. */
function half(index: 0 | 1): string {
  const script = readFileSync(new URL('../golden/debezium/types.sql', import.meta.url), 'utf8')
  const part = script.split('-- stream')[index] ?? ''
  const lines = part.split('\n').filter((line) => !line.includes('t_full'))
  return lines
    .join('\n')
    .replaceAll(/\btable t \(/g, 'table types (')
    .replaceAll(/\b(into|from|update) t\b/g, '$1 types')
}
