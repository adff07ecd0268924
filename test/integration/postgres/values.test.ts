import type { SourceRecord } from 'penstock/api'
import { expect, it } from 'vitest'
import { plugin as jsonConverter } from '../../../plugins/converters/json-converter.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { opOf, rowOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'

const streaming = { 'snapshot.mode': 'no_data' }
const failing = { 'event.converting.failure.handling.mode': 'fail' }
const placeholder = '__debezium_unavailable_value'

/** Writes records with schemas, as a worker does: rejects a null where the schema requires a value. */
function write(records: readonly SourceRecord[]): void {
  const config = parseConfig(jsonConverter.configDef, { 'schemas.enable': 'true' })
  const [keys, values] = [true, false].map((isKey) => jsonConverter.create(config, {}, isKey))
  for (const { topic, keySchema, key, valueSchema, value } of records) {
    keys?.fromConnect(topic, keySchema, key)
    values?.fromConnect(topic, valueSchema, value)
  }
}

function header(record: SourceRecord | undefined, name: string): unknown {
  return record?.headers.find((candidate) => candidate.key === name)?.value
}

function isOptional(record: SourceRecord | undefined, column: string): boolean | undefined {
  const row = record?.valueSchema?.fields.find((field) => field.name === 'after')?.schema
  return row?.fields.find((field) => field.name === column)?.schema.optional
}

describeWith(['postgres'], 'values that a record cannot represent (I11)', () => {
  const bench = sourceBench(() => service('postgres'))

  it.each([
    ['numeric(10,2)', `'NaN'`],
    ['numeric', `'-Infinity'`],
    ['timestamp', `'294276-12-31 23:59:59.999999'`],
    ['varbit(1)', `''`],
    ['money', `'1.23'`],
  ])(
    'become null in a required column of type %s, reported once and counted, in the snapshot and the stream',
    async (type, value) => {
      const db = await bench.database(`
      create table t (id int primary key, v ${type} not null, w ${type});
      insert into t values (1, ${value}, null), (2, ${value}, ${value})`)
      const source = await bench.source(db.config({ 'money.fraction.digits': '1' }))
      await source.waitForRecords(2)
      await db.play(
        `insert into t values (3, ${value}, null); create table u (id int primary key); insert into u values (1)`,
      )
      const records = await source.waitForRecords(4)
      write(records)
      expect(records.slice(0, 3).map((record) => rowOf(record)?.['v'])).toEqual([null, null, null])
      expect(isOptional(records[0], 'v')).toBe(true)
      const warnings = source.lines.filter(({ level, message }) => level === 'warn' && message.startsWith('PG_VALUE'))
      expect(warnings.map(({ message }) => /public\.t\.\w/.exec(message)?.[0])).toEqual(['public.t.v', 'public.t.w'])
      expect(source.conditions.get('PG_VALUE')).toContain('public.t.v')
      expect(source.counters.get('source_values_nulled_total')).toBe(4)
    },
  )

  it('fail the task by name with mode fail; with the advised mode the same row passes', async () => {
    const db = await bench.database('create table t (id int primary key, v numeric(10,2) not null)')
    const config = db.config(streaming)
    const first = await bench.source({ ...config, ...failing })
    await first.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t values (1, 1); insert into t values (2, 'NaN'); insert into t values (3, 3)`)
    expect(await first.failure()).toMatchObject({
      code: 'PG_VALUE',
      message: expect.stringMatching(/public\.t\.v.*NaN.*event\.converting\.failure\.handling\.mode to warn/),
    })
    await first.stop()
    const second = await bench.source(config, first.offsets)
    const all = (): SourceRecord[] => [...first.records, ...second.records]
    await second.waitFor('the rest', () => all().length >= 3)
    write(all())
    expect(all().map((record) => rowOf(record)?.['v'])).toEqual(['1.00', null, '3.00'])
  })

  it('do not fail the task with mode fail in operations that are skipped', async () => {
    const db = await bench.database('create table t (id int primary key, v numeric)')
    const source = await bench.source({ ...db.config(streaming), ...failing, 'skipped.operations': 'c,d' })
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`
      insert into t values (1, 'NaN'), (2, 2); update t set id = 10 where id = 1; update t set v = 3 where id = 2`)
    const records = await source.waitForRecords(1)
    expect(story(records)).toEqual(['u [2]'])
    await db.play(`update t set v = 'NaN' where id = 2`)
    expect(await source.failure()).toMatchObject({ code: 'PG_VALUE' })
  })

  it('become null without a warning with mode skip, and are counted', async () => {
    const db = await bench.database(`create table t (id int primary key, v numeric); insert into t values (1, 'NaN')`)
    const source = await bench.source(db.config({ 'event.converting.failure.handling.mode': 'SKIP' }))
    await source.waitForRecords(1)
    expect(source.lines.filter(({ message }) => message.startsWith('PG_VALUE')).map(({ level }) => level)).toEqual([
      'debug',
    ])
    expect([source.counters.get('source_values_nulled_total'), source.conditions.size]).toEqual([1, 0])
  })

  it('become null in a key too, when a time does not fit nanoseconds', async () => {
    const db = await bench.database(`
      create table t (id int, until timestamp, primary key (id, until)); insert into t values (1, '9999-12-31')`)
    const source = await bench.source(db.config({ 'time.precision.mode': 'nanoseconds' }))
    await source.waitForRecords(1)
    await db.play(`insert into t values (2, '2024-01-01')`)
    const records = await source.waitForRecords(2)
    write(records)
    expect(story(records.slice(0, 1))).toEqual(['r [1,null]'])
    expect(source.conditions.get('PG_VALUE')).toContain('public.t.until')
  })

  it('keep NULLs inside an array of enums, whose schema did not allow them before', async () => {
    const db = await bench.database(`
      create type mood as enum ('sad', 'ok'); create table t (id int primary key, ms mood[] not null);
      insert into t values (1, '{sad}'), (2, '{sad,NULL}')`)
    const source = await bench.source(db.config())
    await source.waitForRecords(2)
    await db.play(
      `insert into t values (3, '{NULL}'); update t set ms = '{ok}' where id = 1; insert into t values (4, '{{sad}}')`,
    )
    const records = await source.waitForRecords(5)
    write(records)
    expect(records.map((record) => rowOf(record)?.['ms'])).toEqual([['sad'], ['sad', null], [null], ['ok'], [null]])
    expect(source.counters.get('source_values_nulled_total')).toBe(1)
  })

  it('are null when a domain holds NULL, whatever the default of its column', async () => {
    const db = await bench.database(`
      create domain posint int check (value > 0); create domain named text not null;
      create table t (id int primary key, p posint default 3, n named);
      insert into t values (1, null, 'x')`)
    const source = await bench.source(db.config())
    const records = await source.waitForRecords(1)
    write(records)
    const row = records[0]?.valueSchema?.fields.find((field) => field.name === 'after')?.schema
    expect(row?.fields.map(({ schema }) => [schema.optional, schema.defaultValue])).toEqual([
      [false, undefined],
      [true, undefined],
      [false, undefined],
    ])
    expect(rowOf(records[0] ?? expect.fail('no record'))).toEqual({ id: 1, p: null, n: 'x' })
  })

  it('include field names that become equal in Avro: rejected by name, until one is excluded', async () => {
    const db = await bench.database(
      'create table t (id int primary key, "x-y" int, x_y int, "1a" int, "2a" int); insert into t values (1, 2, 3, 4, 5)',
    )
    const avro = db.config({ 'field.name.adjustment.mode': 'avro' })
    const failed = await bench.source(avro)
    expect(await failed.failure()).toMatchObject({
      code: 'PG_FIELD_NAMES',
      message: expect.stringMatching(/"x-y" and "x_y" of public\.t both become "x_y"/),
    })
    await failed.stop()
    const source = await bench.source({ ...avro, 'column.exclude.list': 'public\\.t\\.x-y' })
    const [record] = await source.waitForRecords(1)
    expect(rowOf(record ?? expect.fail('no record'))).toEqual({ id: 1, x_y: 3, _1a: 4, _2a: 5 })
  })
})

describeWith(['postgres'], 'values that the WAL does not hold', () => {
  const bench = sourceBench(() => service('postgres'))
  const big = `(select string_agg(md5(g::text), '') from generate_series(1, 300) g)`

  it.each(['default', 'using index t_code'])(
    'have the placeholder in required columns when the key changes: identity %s',
    async (identity) => {
      const db = await bench.database(`
      create table t (id int primary key, code text not null, big text not null, n int not null default 7);
      create unique index t_code on t (code); alter table t replica identity ${identity};
      alter table t alter big set storage external; insert into t values (1, 'a', ${big}, 8)`)
      const source = await bench.source(db.config(streaming))
      await source.waitFor('the stream', () => db.isStreaming())
      await db.play(`update t set id = 2, code = 'b' where id = 1; update t set n = 9`)
      const records = await source.waitForRecords(4)
      write(records)
      expect(records.map(opOf)).toEqual(['d', '-', 'c', 'u'])
      expect(records.slice(2).map((record) => rowOf(record))).toEqual([
        { id: 2, code: 'b', big: placeholder, n: 8 },
        { id: 2, code: 'b', big: placeholder, n: 9 },
      ])
    },
  )

  it('are taken from the complete old row when the WAL has it, also in the key', async () => {
    const db = await bench.database(`
      create table t (id int not null, big text not null, primary key (id)); alter table t replica identity full;
      alter table t alter big set storage external; insert into t values (1, ${big})`)
    const source = await bench.source(db.config(streaming))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('update t set id = 2')
    const records = await source.waitForRecords(3)
    expect(String(rowOf(records[2] ?? expect.fail('no record'))?.['big'])).toHaveLength(9600)
  })

  it('list a key column that the replica identity excludes from a deletion', async () => {
    const db = await bench.database(`
      create table t (id int primary key, code text not null); create unique index t_code on t (code);
      alter table t replica identity using index t_code`)
    const source = await bench.source(db.config(streaming))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t values (1, 'a'); delete from t`)
    const records = await source.waitForRecords(3)
    expect(story(records)).toEqual(['c [1]', 'd [0]', '- [0]'])
    expect(records.map((record) => header(record, '__penstock.unknown'))).toEqual([undefined, 'id', 'id'])
    expect(source.conditions.get('PG_REPLICA_IDENTITY')).toContain('public.t (id)')
    expect(source.counters.get('source_deletions_unsure_total')).toBe(1)
  })

  it('are reported at the start when message.key.columns names a column outside the replica identity', async () => {
    const db = await bench.database(
      'create table t (id int primary key, code text not null); create table u (id int primary key)',
    )
    const source = await bench.source(db.config({ ...streaming, 'message.key.columns': 'public.t:code;public.u:id' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t values (1, 'a'); delete from t`)
    const records = await source.waitForRecords(3)
    expect(story(records)).toEqual(['c ["a"]', 'd [""]', '- [""]'])
    expect(header(records[1], '__penstock.unknown')).toBe('code')
    const warnings = source.lines.filter(({ message }) => message.startsWith('PG_REPLICA_IDENTITY'))
    expect(warnings.map(({ message }) => /makes (.*) part of the key of (\S+),/.exec(message)?.slice(1))).toEqual([
      ['code', 'public.t'],
    ])
  })

  it('are null and listed in a header when a required type cannot represent the placeholder', async () => {
    const db = await bench.database(`
      create table t (id int primary key, v text, e float8[] not null); alter table t alter e set storage external;
      insert into t select 1, 'a', array_agg(random()) from generate_series(1, 1536)`)
    const config = db.config(streaming)
    const source = await bench.source({ ...config, ...failing })
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`update t set v = 'b'; update t set e = '{1}'`)
    expect(await source.failure()).toMatchObject({ code: 'PG_VALUE', message: expect.stringContaining('public.t.e') })
    await source.stop()
    const again = await bench.source(config, source.offsets)
    const records = await again.waitForRecords(2)
    write(records)
    expect(records.map((record) => rowOf(record)?.['e'])).toEqual([null, [1]])
    expect(records.map((record) => header(record, '__penstock.unchanged'))).toEqual(['e', undefined])
    expect(again.lines.filter(({ message }) => message.startsWith('PG_TOAST: public.t.e'))).toHaveLength(1)
  })
})
