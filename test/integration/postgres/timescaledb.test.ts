import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { NotReadyError, systemClock, type RawConfig, type Transform } from 'penstock/api'
import { afterEach, expect, it } from 'vitest'

import { ChunkCatalog, type ChangedTable } from '../../../connectors/postgres-source/timescaledb/chunk-catalog.ts'
import { chunkReader } from '../../../connectors/postgres-source/timescaledb/read-chunks.ts'
import { plugin } from '../../../connectors/postgres-source/timescaledb/timescaledb.ts'
import { connectionOf } from '../../../connectors/postgres-source/config/source-settings.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { changeIn, timescale } from '../../oracle/debezium/timescaledb.ts'
import { recordWith } from '../../oracle/debezium/events.ts'
import { recordFrom } from '../../oracle/oracle-json.ts'
import { dumpTopic } from '../../support/broker/topic-dump.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { LogView } from '../../support/log/log-view.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { conditions, timescaleCatalog } from '../../support/postgres/timescale-catalog.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function database(script: string): Promise<TestDatabase> {
  const db = await TestDatabase.create(service('postgres'), 'timescale')
  cleanups.push(() => db.drop())
  await db.play(script)
  return db
}

/** The options of the connection of the transform. */
const connectionTo = (db: TestDatabase, changes: RawConfig = {}): RawConfig => ({
  ...Object.fromEntries(Object.entries(db.config()).filter(([key]) => key.startsWith('database.'))),
  ...changes,
})

describeWith(['postgres'], 'the catalog of TimescaleDB', () => {
  const none = new AbortController().signal
  const internal = (table: string, transaction: number | null = null): ChangedTable => ({
    schema: '_timescaledb_internal',
    table,
    transaction,
  })
  const catalogOf = (config: RawConfig): ChunkCatalog =>
    new ChunkCatalog(chunkReader(connectionOf(parseConfig(plugin.configDef, config)), systemClock), systemClock, null)

  function waitOf(ask: () => unknown): NotReadyError {
    try {
      ask()
    } catch (error) {
      if (error instanceof NotReadyError) return error
      throw error
    }
    throw new RangeError('it is ready')
  }

  it('names the hypertable of a chunk, and the continuous aggregate of its hypertable, to any user', async () => {
    const db = await database(timescaleCatalog + conditions)
    await db.play(`select chunk(2, 2); create user ${db.name} password 'x'`)
    cleanups.push(() => db.play(`drop user ${db.name}`))
    const catalog = catalogOf(connectionTo(db, { 'database.user': db.name, 'database.password': 'x' }))
    await waitOf(() => catalog.ownerOf(internal('_hyper_1_1_chunk'))).ready(none)
    expect(catalog.ownerOf(internal('_hyper_1_1_chunk'))).toEqual({
      hypertable: { schema: 'public', table: 'conditions' },
      aggregate: null,
    })
    expect(catalog.ownerOf(internal('_hyper_2_2_chunk'))).toEqual({
      hypertable: { schema: '_timescaledb_internal', table: '_materialized_hypertable_2' },
      aggregate: { schema: 'public', table: 'conditions_summary' },
    })
  })

  it('waits until other sessions see the transaction that created a chunk', async () => {
    const db = await database(timescaleCatalog + conditions)
    const writer = await db.connect()
    cleanups.push(() => writer.end())
    await writer.query('begin')
    await writer.query('select chunk(7, 1)')
    const [row] = (await writer.query<{ xid: string }>('select pg_current_xact_id()::xid::text as xid')).rows
    const catalog = catalogOf(connectionTo(db))
    const created = internal('_hyper_1_7_chunk', Number(row?.xid))
    let isReady = false
    const ready = waitOf(() => catalog.ownerOf(created))
      .ready(none)
      .then(() => void (isReady = true))
    const looks = async (): Promise<boolean> =>
      (
        await db.rows(
          `select from pg_stat_activity where datname = $1 and query like '%"isInProgress"%' and pid <> pg_backend_pid()`,
          [db.name],
        )
      ).length > 0
    await until('it looks for the transaction', looks)
    expect(isReady).toBe(false)
    await writer.query('commit')
    await ready
    expect(catalog.ownerOf(created)?.hypertable.table).toBe('conditions')
  })

  it('leaves no connection behind, also when the task ends while it waits', async () => {
    const db = await database(timescaleCatalog + conditions)
    const writer = await db.connect()
    cleanups.push(() => writer.end())
    await writer.query('begin')
    const [row] = (await writer.query<{ xid: string }>('select pg_current_xact_id()::xid::text as xid')).rows
    const catalog = catalogOf(connectionTo(db))
    const sessions = async (): Promise<number> =>
      (
        await db.rows(`select from pg_stat_activity where datname = $1 and application_name = 'Penstock General'`, [
          db.name,
        ])
      ).length
    const stopping = new AbortController()
    const ready = waitOf(() => catalog.ownerOf(internal('x', Number(row?.xid)))).ready(stopping.signal)
    const ended = ready.catch(String)
    await until('it is connected', async () => (await sessions()) === 1)
    stopping.abort(new Error('stopped'))
    expect(await ended).toContain('stopped')
    await until('it is closed', async () => (await sessions()) === 0)
    await waitOf(() => catalog.ownerOf(internal('x'))).ready(none)
    expect(await sessions()).toBe(0)
  })

  it.each([
    ['a database without TimescaleDB', {}, /^PG_TIMESCALEDB: the database pgsrc_timescale_\w+ at .* has no catalog/],
    ['a database that does not exist', { 'database.dbname': 'nowhere' }, /^PG_DATABASE: .*nowhere/],
    ['a port of no server', { 'database.port': '1' }, /^PG_UNREACHABLE: /],
  ])('names the problem of %s', async (_what, changes: RawConfig, message) => {
    const db = await database('select 1')
    const transform: Transform = plugin.create(
      parseConfig(plugin.configDef, connectionTo(db, changes)),
      connectionTo(db, changes),
    )
    const record = recordFrom(recordWith(changeIn('_timescaledb_internal', '_hyper_1_1_chunk')))
    await expect(waitOf(() => transform.apply(record)).ready(none)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    )
  })
})

describeWith(['postgres', 'kcat'], 'a Postgres source of chunks', () => {
  it('writes them to the topics of their hypertables and aggregates, after the database was away, too', async () => {
    const db = await database(`${timescaleCatalog}${conditions}
      insert into _timescaledb_internal._hyper_1_1_chunk values (1, 'a'), (2, 'b')`)
    const proxy = await FaultProxy.open(db.url.hostname, Number(db.url.port))
    cleanups.push(() => proxy.close())
    const directory = mkdtempSync(join(tmpdir(), 'penstock-timescale-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const worker = await WorkerProcess.start(await workerPlace(directory))
    cleanups.push(() => worker.kill())
    const connection = connectionTo(db, { 'database.hostname': '127.0.0.1', 'database.port': String(proxy.port) })
    await proxy.down()
    await worker.post('source', {
      ...db.config({ name: 'source', 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' }),
      'schema.include.list': '_timescaledb_internal',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      transforms: 'timescaledb',
      'transforms.timescaledb.type': timescale,
      ...Object.fromEntries(Object.entries(connection).map(([key, value]) => [`transforms.timescaledb.${key}`, value])),
    })
    const shown = async (): Promise<string> => JSON.stringify(await worker.request('GET', '/connectors?expand=status'))
    await until('the status shows that the database is away', async () =>
      /conversion failed and is retried: [^"]*PG_UNREACHABLE/.test(await shown()),
    )
    await proxy.up()

    const log = await LogView.open(worker.place.broker)
    cleanups.push(() => log.close())
    const arrived = async (topic: string, count: number): Promise<void> =>
      await until(
        () => `${count} records in ${topic}:\n${worker.output.slice(-2000)}`,
        async () => (await log.end(topic)) === count,
      )
    const table = 'timescaledb.public.conditions'
    const summary = 'timescaledb.public.conditions_summary'
    await arrived(table, 2)
    await until('the status does not show it any more', async () => !(await shown()).includes('PG_UNREACHABLE'))

    await proxy.down()
    await db.play(`begin; select chunk(3, 1); insert into _timescaledb_internal._hyper_1_3_chunk values (3, 'c'); commit;
      begin; select chunk(4, 2); insert into _timescaledb_internal._hyper_2_4_chunk values (1, 0.5); commit;
      update _timescaledb_internal._hyper_1_1_chunk set location = 'z' where id = 1;
      insert into _timescaledb_internal.bgw_job_stat values (1)`)
    await until('the status shows it again', async () => (await shown()).includes('PG_UNREACHABLE'))
    await proxy.up()
    const other = 't._timescaledb_internal.bgw_job_stat'
    await arrived(other, 1)
    await arrived(summary, 1)
    await arrived(table, 4)
    const read = async (topic: string): Promise<unknown[]> => {
      const records: unknown[] = []
      for await (const { value, headers } of dumpTopic(service('kcat'), { broker: worker.place.broker, topic })) {
        const { op, source, after } = JSON.parse(String(value)) as Record<string, Record<string, unknown>>
        const own = headers.split(',').filter((header) => header.startsWith('__debezium_timescaledb_'))
        records.push([op, source?.['schema'], source?.['table'], after, own.map((header) => header.slice(23))])
      }
      return records
    }
    const from = (chunk: string): string[] => [`chunk_table=${chunk}`, 'chunk_schema=_timescaledb_internal']
    expect(await read(table)).toEqual([
      ['r', 'public', 'conditions', { id: 1, location: 'a' }, from('_hyper_1_1_chunk')],
      ['r', 'public', 'conditions', { id: 2, location: 'b' }, from('_hyper_1_1_chunk')],
      ['c', 'public', 'conditions', { id: 3, location: 'c' }, from('_hyper_1_3_chunk')],
      ['u', 'public', 'conditions', { id: 1, location: 'z' }, from('_hyper_1_1_chunk')],
    ])
    expect(await read(summary)).toEqual([
      [
        'c',
        'public',
        'conditions_summary',
        { id: 1, mean: 0.5 },
        [
          ...from('_hyper_2_4_chunk'),
          'hypertable_table=_materialized_hypertable_2',
          'hypertable_schema=_timescaledb_internal',
        ],
      ],
    ])
    expect(await read(other)).toEqual([['c', '_timescaledb_internal', 'bgw_job_stat', { job_id: 1 }, []]])
    const topics = (await log.admin.listTopics()).filter((name) => !/^(connect-|__)/.test(name))
    expect(topics.toSorted()).toEqual([other, table, summary].toSorted())
    expect(await worker.failures()).toEqual([])
  }, 180_000)
})
