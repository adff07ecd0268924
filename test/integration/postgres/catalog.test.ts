import type { SourceRecord } from 'penstock/api'
import { expect, it } from 'vitest'
import { opOf, rowOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { needsPostgres } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'

const streaming = { 'snapshot.mode': 'no_data' }

/** The schema of a column in the row of a record. */
function column(record: SourceRecord | undefined, name: string) {
  const row = record?.valueSchema?.fields.find((field) => field.name === 'after')?.schema
  return row?.fields.find((field) => field.name === name)?.schema
}

describeWith(['postgres'], 'the current catalog and older rows', () => {
  const bench = sourceBench(() => service('postgres'))

  it.each(['before the first change of a session', 'after a connection was lost'])(
    'give keys, nulls and defaults as they were when the rows were written: DDL %s',
    async (when) => {
      const db = await bench.database(`
        create table a (id int not null, v text); create table b (id int primary key, v text not null);
        create table k (id int primary key, code text not null); create table d (id int primary key);
        create publication p for all tables`)
      const source = await bench.source(db.config(streaming))
      await source.waitFor('the stream', () => db.isStreaming())
      const before = when.startsWith('after') ? 4 : 0
      if (before > 0) {
        await db.play(
          `insert into a values (0); insert into b values (0, ''); insert into k values (0, ''); insert into d values (0)`,
        )
        await source.waitForRecords(before)
        await db.play(
          'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = current_database()',
        )
        await source.waitFor('the end of the stream', async () => source.retried.length > 0)
        await source.waitFor('the stream', () => db.isStreaming())
      }
      await db.play(`
        alter table a add primary key (id); insert into a values (1, 'x'); update a set v = 'y' where id = 1; delete from a where id = 1;
        alter table b alter v drop not null; insert into b values (2, null);
        alter table b drop constraint b_pkey; insert into b values (3, 'x');
        alter table k drop constraint k_pkey; alter table k add primary key (code); insert into k values (4, 'x');
        alter table d add column c int not null default 5; insert into d values (6)`)
      const records = (await source.waitForRecords(before + 8)).slice(before)
      expect(story(records)).toEqual(['c [1]', 'u [1]', 'd [1]', '- [1]', 'c [2]', 'c null', 'c ["x"]', 'c [6]'])
      expect(column(records[4], 'v')?.optional).toBe(true)
      expect(column(records[7], 'c')).toMatchObject({ optional: false, defaultValue: 5 })
      expect(source.lines.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^PG_KEYLESS: public\.b has lost its key/),
      )
    },
  )

  it('keep rows without a key that were written before the primary key was created', async () => {
    const db = await bench.database('create table t (id int not null, v text); create publication p for all tables')
    const config = db.config(streaming)
    const first = await bench.source(config)
    await first.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t values (1, 'a')`)
    await first.waitForRecords(1)
    await first.stop()
    await db.play(`insert into t values (2, 'b'); alter table t add primary key (id); insert into t values (3, 'c')`)
    const second = await bench.source(config, first.offsets)
    expect(story(await second.waitForRecords(2))).toEqual(['c null', 'c [3]'])
  })

  it.each(['default', 'full'])(
    'read a NULL from before SET NOT NULL as a null, and require a value after it: identity %s',
    async (identity) => {
      const db = await bench.database(
        `create table t (id int primary key, v text); alter table t replica identity ${identity}`,
      )
      const config = db.config(streaming)
      const first = await bench.source(config)
      await first.waitFor('the stream', () => db.isStreaming())
      await db.play(`insert into t values (0, 'a')`)
      await first.waitForRecords(1)
      await first.stop()
      await db.play(`
      insert into t values (1, null); begin; alter table t add column c text; update t set v = 'filled', c = 'c' where id = 1;
      delete from t where id = 0; alter table t alter v set not null, alter c set not null; commit; insert into t values (2, 'b', 'c')`)
      const second = await bench.source(config, first.offsets)
      const records = await second.waitForRecords(5)
      expect(records.map(opOf)).toEqual(['c', 'u', 'd', '-', 'c'])
      expect(rowOf(records[0] ?? expect.fail('no record'))).toEqual({ id: 1, v: null })
      if (identity === 'full')
        expect(rowOf(records[1] ?? expect.fail('no record'), 'before')).toEqual({ id: 1, v: null, c: null })
      expect(column(records[0], 'v')?.optional).toBe(true)
      expect(column(records[4], 'v')?.optional).toBe(false)
      expect(second.counters.get('source_values_nulled_total') ?? 0).toBe(0)
    },
  )

  it('read the catalog once for many tables, and not at all for rows from before the start', async () => {
    const names = Array.from({ length: 5 }, (_, i) => `t${i}`)
    const db = await bench.database(names.map((name) => `create table ${name} (id int primary key)`).join(';'))
    const insert = (into: readonly string[]): string => into.map((name) => `insert into ${name} values (1)`).join(';')
    const config = db.config(streaming)
    const first = await bench.source(config)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.stop()
    await db.play(insert(names.slice(0, 2)))
    const second = await bench.source(config, first.offsets)
    await second.waitForRecords(2)
    const asked = (): number =>
      second.lines.filter(({ message }) => message.startsWith('reading the catalog entry')).length
    expect(asked()).toBe(0)
    await db.play(`begin; ${insert(names.slice(2))}; commit`)
    await second.waitForRecords(5)
    expect(asked()).toBe(1)
  })

  it('do not stop at a listed table that is dropped while its rows are in the WAL', async () => {
    const db = await bench.database(
      'create table t (id int primary key, v text not null); create table other (id int primary key)',
    )
    const config = db.config({ ...streaming, 'table.include.list': 'public.t.*,public.other' })
    const first = await bench.source(config)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.stop()
    await db.play(`
      create type mood as enum ('ok'); alter table t add column m mood; insert into t values (1, 'x', 'ok');
      drop table t; drop type mood; insert into other values (2)`)
    const second = await bench.source(config, first.offsets)
    const records = await second.waitForRecords(2)
    expect(story(records)).toEqual(['c [1]', 'c [2]'])
    expect(rowOf(records[0] ?? expect.fail('no record'))).toEqual({ id: 1, v: 'x', m: 'ok' })
  })
})

describeWith(['postgres'], 'keys that identify rows', () => {
  const bench = sourceBench(() => service('postgres'))

  it('do not use unique indexes that accept NULL twice', async (test) => {
    const db = await bench.database('')
    await needsPostgres(db, 15, test)
    await db.play(`
      create table nu (a int, b int, v text, unique (a, b)); alter table nu replica identity full;
      insert into nu values (null, null, 'first'), (null, null, 'second'), (1, null, 'third');
      create table nn (a int, b int, unique nulls not distinct (a, b)); alter table nn replica identity full;
      insert into nn values (null, 1), (1, 2)`)
    const source = await bench.source(db.config())
    await source.waitForRecords(5)
    await db.play(
      `update nu set v = 'FIRST' where v = 'first'; delete from nu where v = 'second'; update nn set b = 3 where a = 1`,
    )
    const records = await source.waitForRecords(11)
    expect(story(records)).toEqual([
      'r [null,1]', 'r [1,2]', 'r null', 'r null', 'r null',
      'u null', 'd null', '- null', 'd [1,2]', '- [1,2]', 'c [1,3]',
    ]) // prettier-ignore
    const warnings = source.lines.filter(({ message }) => message.startsWith('PG_KEYLESS'))
    expect(warnings.map(({ message }) => message.slice(0, 21))).toEqual(['PG_KEYLESS: public.nu'])
  })

  it('compare by value: NaN is itself', async () => {
    const db = await bench.database(`
      create table t (f float8 primary key, v text); alter table t replica identity full; insert into t values ('NaN', 'a')`)
    const source = await bench.source(db.config(streaming))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`update t set v = 'b'; update t set f = 1`)
    expect((await source.waitForRecords(4)).map(opOf)).toEqual(['u', 'd', '-', 'c'])
  })

  /** The rows by key in a sink that applies records in their order. */
  function replayed(records: readonly SourceRecord[]): Record<string, unknown> {
    const rows = new Map<string, unknown>()
    for (const record of records) {
      const row = record.value === null ? null : rowOf(record)
      if (row === null) rows.delete(JSON.stringify(record.key))
      else rows.set(JSON.stringify(record.key), row['v'])
    }
    return Object.fromEntries(rows)
  }

  it.each([
    ['swapped', 'update t set id = 4 - id where id in (1, 3)', 0],
    ['moved by one', 'update t set id = id + 1', 0],
    ['rotated', 'update t set id = id % 3 + 1', 0],
    [
      'taken by a new row',
      `begin; insert into t values (2, 'new'); update t set w = 1 where v = 'new'; delete from t where v = 'b'; commit`,
      0,
    ],
    [
      'left by the row that came',
      `begin; update t set id = 9 where id = 1; update t set w = 2 where id = 9; delete from t where id = 9; commit`,
      1,
    ],
    ['of a row that comes and goes', `begin; insert into t values (8, 'x'); delete from t where id = 8; commit`, 0],
  ])('may be shared for a while where they are checked late: %s', async (_what, change, unclear) => {
    const db = await bench.database(`
      create table t (id int primary key deferrable initially deferred, v text, w int); alter table t replica identity full;
      insert into t values (1, 'a'), (2, 'b'), (3, 'c')`)
    const source = await bench.source(db.config())
    await source.waitForRecords(3)
    await db.play(`${change}; insert into t values (100, 'end')`)
    await source.waitFor('the end', () => source.records.some((record) => JSON.stringify(record.key) === '[100]'))
    const rows = await db.rows<{ id: number; v: string }>('select id, v from t')
    expect(replayed(source.records)).toEqual(Object.fromEntries(rows.map(({ id, v }) => [`[${id}]`, v])))
    expect(source.counters.get('source_deletions_unsure_total') ?? 0).toBe(unclear)
    expect(source.conditions.has('PG_KEY_REUSED')).toBe(unclear > 0)
  })

  it('that equal rows share are reported: which of the rows was deleted is unknown', async () => {
    const db = await bench.database(`
      create table t (id int primary key deferrable initially deferred, v text); alter table t replica identity full;
      insert into t values (1, 'same'), (2, 'same')`)
    const source = await bench.source(db.config(streaming))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('update t set id = 3 - id')
    await source.waitForRecords(6)
    expect(source.conditions.get('PG_KEY_REUSED')).toContain('public.t')
    expect(source.counters.get('source_deletions_unsure_total')).toBe(1)
  })

  it('are tracked across a restart in the middle of such a transaction', async () => {
    const db = await bench.database(`
      create table t (id int primary key deferrable initially deferred, v text); alter table t replica identity full;
      insert into t select g, 'row ' || g from generate_series(1, 40) g`)
    const config = db.config({ ...streaming, 'max.batch.size': '7', 'max.queue.size': '8' })
    const first = await bench.source(config, undefined, 14)
    await first.waitFor('the stream', () => db.isStreaming())
    await db.play('update t set id = id + 1')
    await first.waitForRecords(14)
    await first.stop()
    const second = await bench.source(config, first.offsets)
    const all = (): SourceRecord[] => [...first.records, ...second.records]
    await second.waitFor('the last row', () => all().some((record) => JSON.stringify(record.key) === '[41]'))
    expect(Object.keys(replayed(all()))).toHaveLength(40)
  })
})
