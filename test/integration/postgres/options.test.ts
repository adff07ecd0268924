import type { RawConfig, SourceRecord } from 'penstock/api'
import { expect, it } from 'vitest'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { rowOf, sourceBench } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'

const topics = (records: readonly SourceRecord[]): unknown => records.map(({ topic }) => topic).toSorted()
const fieldOf = (record: SourceRecord | undefined, name: string) =>
  record?.valueSchema?.fields
    .find((field) => field.name === 'after')
    ?.schema.fields.find((field) => field.name === name)?.schema

/** Options whose effect is visible in one snapshot. The tables are public.a, public.b and other.c, with one row each. */
const snapshots: readonly (readonly [
  option: string,
  value: string,
  look: (records: readonly SourceRecord[]) => unknown,
  without: unknown,
  with_: unknown,
])[] = [
  ['schema.include.list', 'oth.*', topics, ['t.other.c', 't.public.a', 't.public.b'], ['t.other.c']],
  ['schema.exclude.list', 'other', topics, ['t.other.c', 't.public.a', 't.public.b'], ['t.public.a', 't.public.b']],
  ['snapshot.include.collection.list', 'public.b', topics, ['t.other.c', 't.public.a', 't.public.b'], ['t.public.b']],
  [
    'topic.delimiter',
    '_',
    topics,
    ['t.other.c', 't.public.a', 't.public.b'],
    ['t_other_c', 't_public_a', 't_public_b'],
  ],
  [
    'column.include.list',
    'public.b.(id|v)',
    (records) => records.map((record) => Object.keys(rowOf(record) ?? {}).length).toSorted((a, b) => a - b),
    [1, 3, 3],
    [0, 0, 2],
  ],
  [
    'extended.headers.enabled',
    'false',
    (records) => records.map(({ headers }) => headers.filter(({ key }) => key.startsWith('__debezium')).length),
    [3, 3, 3],
    [0, 0, 0],
  ],
  [
    'include.schema.comments',
    'true',
    (records) =>
      fieldOf(
        records.find(({ topic }) => topic === 't.public.a'),
        'v',
      )?.doc,
    null,
    'what it says',
  ],
]

describeWith(['postgres'], 'an option of the Postgres source', () => {
  const bench = sourceBench(() => service('postgres'))
  const tables = `create table a (id int primary key, v text, "w-w" text); comment on column a.v is 'what it says'; insert into a values (1);
    create table b (id int primary key, v text, w text); insert into b values (1);
    create schema other; create table other.c (id int primary key); insert into other.c values (1)`

  it.each(snapshots)('has an effect: %s=%s', async (option, value, look, without, withIt) => {
    const seen = async (config: RawConfig): Promise<unknown> => {
      const db = await bench.database(tables)
      const source = await bench.source(db.config({ 'snapshot.mode': 'initial', ...config }))
      await source.waitFor('the end of the snapshot', () => source.offsets.last?.['snapshot_completed'] === true)
      return look(source.records)
    }
    expect(await seen({})).toEqual(without)
    expect(await seen({ [option]: value })).toEqual(withIt)
  })

  it('has an effect: schema.name.adjustment.mode', async () => {
    const names = async (mode: string): Promise<unknown> => {
      const db = await bench.database('create table "a-b" (id int primary key); insert into "a-b" values (1)')
      const source = await bench.source(db.config({ 'topic.prefix': '1t', 'schema.name.adjustment.mode': mode }))
      const [record] = await source.waitForRecords(1)
      return [record?.keySchema?.name, record?.valueSchema?.name]
    }
    expect(await names('none')).toEqual(['1t.public.a-b.Key', '1t.public.a-b.Envelope'])
    expect(await names('avro')).toEqual(['_1t.public.a_b.Key', '_1t.public.a_b.Envelope'])
    expect(await names('avro_unicode')).toEqual(['_u0031t.public.a_u002db.Key', '_u0031t.public.a_u002db.Envelope'])
  })

  it.each([
    ['__debezium_unavailable_value', '__debezium_unavailable_value'],
    ['gone', 'gone'],
    ['hex:414243', 'ABC'],
  ])('has an effect: unavailable.value.placeholder=%s', async (placeholder, text) => {
    const db = await bench.database(
      'create table t (id int primary key, v text, n int); alter table t alter v set storage external',
    )
    const source = await bench.source(db.config({ 'unavailable.value.placeholder': placeholder }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t values (1, repeat('x', 9000), 1); update t set n = 2`)
    const [, update] = await source.waitForRecords(2)
    expect(update === undefined ? null : rowOf(update)).toEqual({ id: 1, v: text, n: 2 })
  })

  it.each([
    [{}, '__debezium-heartbeat.t'],
    [{ 'topic.heartbeat.prefix': 'beat' }, 'beat.t'],
    [{ 'topic.heartbeat.prefix': 'beat', 'topic.heartbeat.name': 'pulse' }, 'pulse'],
  ])('has an effect: topic.heartbeat.prefix, topic.heartbeat.name: %j', async (names, topic) => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ 'heartbeat.interval.ms': '50', ...names }))
    const [record] = await source.waitForRecords(1)
    expect(record?.topic).toBe(topic)
  })

  it('has an effect: connection.validation.timeout.ms', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const proxy = await FaultProxy.open(db.url.hostname, Number(db.url.port))
    bench.onEnd(() => proxy.close())
    proxy.stall()
    const config = db.config({ 'database.port': String(proxy.port), 'database.query.timeout.ms': '0' })
    const source = await bench.source({ ...config, 'connection.validation.timeout.ms': '50' })
    await source.waitFor('the end of an attempt', () => source.retried.length > 0)
    expect(source.retried[0]?.message).toMatch(/^PG_CONNECTION_LOST: .*timeout/)
    proxy.flow()
  })

  it('has an effect: database.query.timeout.ms', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const other = await db.connect()
    bench.onEnd(() => other.end())
    await other.query('begin; lock table pg_publication in access exclusive mode')
    const source = await bench.source(
      db.config({ 'database.query.timeout.ms': '500', 'snapshot.lock.timeout.ms': '0' }),
    )
    await source.waitFor('the end of an attempt', () => source.retried.length > 0)
    expect(source.retried[0]?.message).toMatch(/timeout/i)
    await other.query('rollback')
  })
})
