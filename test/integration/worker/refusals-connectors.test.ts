import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RawConfig } from 'penstock/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Servers } from '../../../src/servers/servers.ts'
import { runKcat } from '../../support/broker/kcat-runner.ts'
import { pipelineConnectors, sourceConfig, type PipelinePlan } from '../../support/worker/pipeline.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { RestClient, type ReceivedResponse } from '../../support/rest/rest-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const schemaless = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
}

/** A worker for the tests of a suite. */
function workerForSuite(): {
  readonly worker: () => WorkerProcess
  post: (config: RawConfig) => Promise<ReceivedResponse>
} {
  let worker: WorkerProcess | null = null
  const directory = mkdtempSync(join(tmpdir(), 'penstock-refusals-'))
  const running = (): WorkerProcess => {
    if (worker === null) throw new RangeError('the worker was not started')
    return worker
  }
  beforeAll(async () => {
    worker = await WorkerProcess.start(await workerPlace(directory))
  })
  afterAll(async () => {
    await worker?.kill()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    worker: running,
    post: (config) => new RestClient(running().place.rest).post('/connectors', { name: 'refused', config }),
  }
}

/** The answer to a refused config, with what it says, in this order. */
const refused = (...texts: string[]) => ({
  status: 400,
  body: expect.stringMatching(
    new RegExp(
      texts
        .map((text) =>
          JSON.stringify(text)
            .slice(1, -1)
            .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
        )
        .join('[^]*'),
    ),
  ),
})

const source = (database: string, extra: RawConfig = {}, tables = ['items']): RawConfig =>
  sourceConfig({ database, tables, prefix: 'shop', slot: 'refused', source: extra })

describe('a Postgres source is refused over REST', () => {
  const servers = Servers.open()
  const { worker, post } = workerForSuite()
  let url: string

  beforeAll(async () => {
    const rules = join(servers.directory, 'pg_hba.conf')
    writeFileSync(rules, 'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n', {
      mode: 0o644,
    })
    const server = await servers.get('postgres', { settings: { wal_level: 'replica', hba_file: rules } })
    url = server.address
    const db = await TestDatabase.create(url, 'refused')
    await db.play("CREATE ROLE reader LOGIN REPLICATION PASSWORD 'right'; CREATE TABLE items (id int PRIMARY KEY)")
    url = db.url.href
  })
  afterAll(() => servers.close())

  it('when wal_level is not logical, with the statement that mends it', async () => {
    expect(await post(source(url))).toMatchObject(
      refused('PG_WAL_LEVEL: wal_level is "replica". Run: ALTER SYSTEM SET wal_level = logical; then restart Postgres'),
    )
  })

  it('when the password is wrong, without repeating it', async () => {
    const answer = await post(source(url, { 'database.user': 'reader', 'database.password': 'not-this-one' }))
    expect(answer).toMatchObject(refused('PG_AUTHENTICATION', 'reader', 'Check database.user and database.password'))
    expect(answer.body).not.toContain('not-this-one')
    expect(worker().output).not.toContain('not-this-one')
  })

  it.each([
    ['does not answer', { 'database.port': '1' }, 'ECONNREFUSED'],
    ['does not exist', { 'database.hostname': 'nowhere.invalid' }, 'nowhere.invalid'],
  ])('when its host %s, with the settings that name it', async (_title, extra, text) => {
    expect(await post(source(url, extra))).toMatchObject(
      refused('PG_UNREACHABLE', text, 'database.hostname and database.port'),
    )
  })
})

describeWith(['postgres'], 'a Postgres source is refused over REST', () => {
  const { worker, post } = workerForSuite()
  let db: TestDatabase

  beforeAll(async () => {
    db = await TestDatabase.create(service('postgres'), 'refused')
    await db.play(`CREATE TABLE items (id int PRIMARY KEY, text text); CREATE ROLE ${db.name}_reader LOGIN REPLICATION`)
  })
  afterAll(async () => {
    await worker().kill()
    await db.rows(`DROP OWNED BY ${db.name}_reader`)
    await db.rows(`DROP ROLE ${db.name}_reader`)
    await db.drop()
  })

  it('when a table is missing, with the tables that there are', async () => {
    expect(await post(source(db.url.href, {}, ['item']))).toMatchObject(
      refused('PG_TABLE: table.include.list names "public.item"', 'It has: public.items.'),
    )
  })

  it('when privileges are missing, with the statements that grant them', async () => {
    const user = `${db.name}_reader`
    expect(await post(source(db.url.href, { 'database.user': user }))).toMatchObject(
      refused(`GRANT SELECT ON "public"."items" TO "${user}"`, `GRANT CREATE ON DATABASE "${db.name}" TO "${user}"`),
    )
  })

  it('when its database is missing', async () => {
    const missing = source(db.url.href, { 'database.dbname': 'nowhere' })
    expect(await post(missing)).toMatchObject(refused('PG_DATABASE', '"nowhere" does not exist', 'database.dbname'))
  })

  it.each([
    ['the log', {}, 17_000_000, 'producer.override.max.request.size'],
    ['its topic', { 'topic.creation.default.max.message.bytes': '100000' }, 200_000, 'max.message.bytes'],
  ])(
    'no, its task fails when a row is too large for %s: with table, key, LSN, size and what to raise',
    async (_title, extra, size, setting) => {
      const name = `large${size}`
      await db.play(`CREATE TABLE ${name} (id int PRIMARY KEY, text text)`)
      const plan = { database: db.url.href, tables: [name], prefix: 'shop', slot: `${db.name}_${size}`, source: extra }
      await worker().post(name, sourceConfig(plan))
      await eventually('it streams', 60_000, async () => {
        const found = await db.rows(
          "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND pid IN (SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1)",
          [plan.slot],
        )
        return found.length > 0 ? true : null
      })
      await db.play(`INSERT INTO ${name} SELECT 42, repeat(md5('x'), ${size} / 32)`)
      const [failure] = await eventually('the task fails', 60_000, async () => {
        const found = (await worker().failures()).filter((trace) => trace.startsWith(name))
        return found.length > 0 ? found : null
      })
      expect(failure).toContain(`shop.public.${name}`)
      expect(failure).toMatch(/key \S*42\W/)
      expect(failure).toMatch(/"lsn":\d+/)
      expect(failure).toMatch(/a record of \d{6,} bytes/)
      expect(failure).toContain(setting)
    },
  )
})

describeWith(['elasticsearch', 'minio', 'kcat'], 'a sink', () => {
  const { worker, post } = workerForSuite()
  const plan = (): PipelinePlan => ({
    database: 'postgres://unknown@127.0.0.1:1/nothing',
    tables: ['items'],
    prefix: 'refused',
    slot: 'refused',
    elasticsearch: service('elasticsearch'),
    store: service('minio'),
    bucket: 'a-bucket-that-no-one-made',
  })

  it('fails on a record without a key, unless it is told to ignore keys', async () => {
    const topic = `nokey${process.pid}`
    const sent = await runKcat(service('kcat'), ['-b', worker().place.broker, '-P', '-t', topic], '{"a":1}\n')
    expect(sent.code).toBe(0)
    const config = { ...pipelineConnectors(plan())['search'], topics: topic, ...schemaless }
    await worker().post('search', config)
    const [failure] = await eventually('the task fails', 60_000, async () => {
      const found = await worker().failures()
      return found.length > 0 ? found : null
    })
    expect(failure).toContain(`${topic}-0@0`)
    expect(failure).toContain('Key is used as document id and can not be null. Set key.ignore=true')
    await worker().request('DELETE', '/connectors/search')
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
  })

  it.each([
    [
      'its bucket is missing',
      {},
      ['S3_NO_BUCKET', 'Create the bucket a-bucket-that-no-one-made, or correct s3.bucket.name'],
    ],
    [
      'its keys are wrong',
      { 'aws.secret.access.key': 'not-this-one' },
      ['S3_CREDENTIALS', 'Check aws.secret.access.key'],
    ],
    ['its store does not answer', { 'store.url': 'http://127.0.0.1:1' }, ['ECONNREFUSED', 'store.url']],
  ])('to S3 is refused when %s', async (_title, extra, texts) => {
    const answer = await post({ ...pipelineConnectors(plan())['archive'], ...extra })
    expect(answer).toMatchObject(refused(...texts))
    expect(answer.body).not.toContain('not-this-one')
  })

  it('to Elasticsearch is refused when its address does not answer', async () => {
    const search = { ...pipelineConnectors(plan())['search'], 'connection.url': 'http://127.0.0.1:1' }
    const texts = ['Could not connect to Elasticsearch', 'ECONNREFUSED 127.0.0.1:1', 'Check that it is running']
    expect(await post(search)).toMatchObject(refused(...texts))
  })
})
