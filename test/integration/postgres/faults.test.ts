import { systemClock } from 'penstock/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { PgConnection } from '../../../connectors/postgres-source/connection/pg-connection.ts'
import { settingsOf } from '../../../connectors/postgres-source/config/source-settings.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import type { Server } from '../../../src/servers/process/server.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { isAlive } from '../../../src/foundation/process/process-identity.ts'
import { present } from '../../../src/foundation/assert.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { sourceBench } from '../../support/postgres/postgres-source.ts'
import type { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'

const keys = (records: readonly { key: unknown }[]): string[] => records.map((record) => JSON.stringify(record.key))
const upTo = (count: number): string[] => Array.from({ length: count }, (_, i) => `[${i + 1}]`)

describeWith(['postgres'], 'the Postgres source when its connection fails', () => {
  const bench = sourceBench(() => service('postgres'))

  async function proxied(
    script: string,
  ): Promise<{ db: TestDatabase; proxy: FaultProxy; config: Record<string, string> }> {
    const db = await bench.database(script)
    const proxy = await FaultProxy.open(db.url.hostname, Number(db.url.port))
    bench.onEnd(() => proxy.close())
    return { db, proxy, config: db.config({ 'database.port': String(proxy.port) }) }
  }

  it('retries when the connection ends between two queries', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const { connection } = settingsOf(parseConfig(plugin.configDef, db.config()), db.config())
    const session = await PgConnection.connect(connection, 'sql', systemClock)
    bench.onEnd(() => session.close())
    const [own] = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
    await db.rows('select pg_terminate_backend($1)', [own?.pid])
    await until('the session has been told', () => session.closed)
    await expect(session.query('select 1')).rejects.toMatchObject({
      name: 'RetriableError',
      code: 'PG_CONNECTION_LOST',
    })
  })

  it('continues after the last emitted row, without a gap or a duplicate', async () => {
    const { db, proxy, config } = await proxied('create table t (id int primary key)')
    const source = await bench.source(config)
    await source.waitFor('the stream', () => db.isStreaming())
    for (let round = 0; round < 5; round += 1) {
      await db.play(`insert into t select ${round} * 100 + g from generate_series(1, 100) g`)
      await source.waitForRecords(round * 100 + 20)
      proxy.cut()
    }
    await source.waitForRecords(500)
    expect(keys(source.records)).toEqual(upTo(500))
    expect(source.retried.length).toBeGreaterThan(0)
  })

  it('confirms nothing that is not durable when it reconnects (I2)', async () => {
    const { db, proxy, config } = await proxied('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(config)
    await source.waitForRecords(1)
    source.hold()
    await db.play('insert into t values (2); insert into t values (3)')
    await source.waitForRecords(3)
    const before = await db.slot()
    proxy.cut()
    await source.waitFor('another connection', async () => source.retried.length > 0 && (await db.isStreaming()))
    await db.play('insert into t values (4)')
    await source.waitForRecords(4)
    expect((await db.slot())?.confirmed).toBe(before?.confirmed)
    expect(keys(source.records)).toEqual(upTo(4))
  })

  it('starts an interrupted snapshot again on its own', async () => {
    const { proxy, config } = await proxied(`
      create table t (id int primary key, v text); insert into t select g, repeat('x', 1000) from generate_series(1, 20000) g`)
    const source = await bench.source({ ...config, 'max.batch.size': '100', 'max.queue.size': '200' }, undefined, 1000)
    await source.waitForRecords(1000)
    proxy.cut()
    source.goOn()
    await source.waitFor('the end of a snapshot', () => source.offsets.last?.['snapshot_completed'] === true)
    // The server may not have released the slot when the next connection requests it.
    expect(source.retried.filter(({ message }) => !message.startsWith('PG_SLOT_ACTIVE'))).toHaveLength(1)
    expect(keys(source.records.slice(-20_000))).toEqual(upTo(20_000))
  })

  it('waits for a server that refuses connections', async () => {
    const { proxy, config } = await proxied('create table t (id int primary key); insert into t values (1)')
    proxy.refuse()
    const source = await bench.source(config)
    await source.waitFor('some attempts', () => source.retried.length >= 3)
    proxy.accept()
    expect(keys(await source.waitForRecords(1))).toEqual(['[1]'])
  })

  it('reports that its server is back although nothing changes there', async () => {
    const { proxy, config } = await proxied('create table t (id int primary key)')
    const source = await bench.source(config)
    const said = (begin: string): number =>
      source.lines.filter(({ level, message }) => level === 'info' && message.startsWith(begin)).length
    await source.waitFor('the stream', () => said('streaming from') === 1)
    proxy.refuse()
    proxy.cut()
    await source.waitFor('some attempts', () => source.retried.length >= 3)
    expect(source.waiting).toBe(true)
    proxy.accept()
    await source.waitFor('no failure to stand', () => !source.waiting)
    expect(source.records).toHaveLength(0)
    await source.waitFor('the stream', () => said('streaming from') === 2)
    expect([said('created or extended publication'), said('replication slot'), said('snapshot complete')]).toEqual([
      1, 1, 1,
    ])
  })

  it('stops although the server does not respond (I9)', async () => {
    const { db, proxy, config } = await proxied('create table t (id int primary key)')
    const source = await bench.source(config)
    await source.waitFor('the stream', () => db.isStreaming())
    proxy.stall()
    await source.stop()
    proxy.flow()
  })
})

describe('the Postgres source when its server stops', () => {
  const servers = Servers.open()
  const bench = sourceBench(() => server.address)
  let server: Server

  beforeAll(async () => {
    server = await servers.get('postgres')
  })
  afterAll(() => servers.close())

  it.each([
    ['in order', () => server.stop()],
    [
      'by kill -9',
      async () => {
        server.kill('SIGKILL')
        await server.stop()
      },
    ],
  ])('continues by itself after a restart: stopped %s', async (_how, stop) => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await db.play('insert into t values (2)')
    await source.waitForRecords(2)
    await stop()
    await source.waitFor('some attempts', () => source.retried.length >= 3)
    await server.start()
    const client = await db.connect()
    await client.query('insert into t values (3)')
    await client.end()
    await source.waitForRecords(3)
    expect(keys(source.records)).toEqual(upTo(3))
    expect(server.description).toMatch(/^PostgreSQL \d+/)
  })

  it('lets it stop: a server waits until everything that it sent is confirmed', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    // No status update is sent on the timer while the server stops.
    const source = await bench.source(db.config({ 'status.update.interval.ms': '600000' }))
    await source.waitForRecords(1)
    await db.play('insert into t values (2); begin; insert into t values (3); rollback')
    await source.waitForRecords(2)
    // Not by `server.stop`, which kills a server that takes too long.
    const pid = present(server.pid, 'the process of the server')
    process.kill(pid, 'SIGINT')
    await until('the server to end by itself', () => !isAlive(pid))
    await server.stop()
    await server.start()
  })
})
