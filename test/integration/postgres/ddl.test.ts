import { expect, it } from 'vitest'
import { opOf, rowOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['postgres'], 'the Postgres source while tables change', () => {
  const bench = sourceBench(() => service('postgres'))

  it('continues with a separate schema for each shape, also when changes and DDL follow immediately', async () => {
    const db = await bench.database(
      `create table d (id int primary key, a text, b int); insert into d values (1, 'one', 1)`,
    )
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await db.play(`
      insert into d values (2, 'two', 2);
      alter table d add column c numeric(8, 2) default 1.5;
      update d set a = 'x' where id = 1;
      insert into d values (3, 'three', 3, 3.25);
      alter table d drop column b;
      insert into d values (4, 'four', 4.5);
      alter table d rename column a to aa;
      insert into d values (5, 'five', 5.5);
      alter table d alter column c type double precision;
      insert into d values (6, 'six', 6.5);
      alter table d alter column aa set not null;
      alter table d alter column id type bigint;
      insert into d values (8, 'eight', 8.5)`)
    const records = await source.waitForRecords(8)
    expect(records.map((record) => [record.key, rowOf(record)])).toEqual([
      [[1], { id: 1, a: 'one', b: 1 }],
      [[2], { id: 2, a: 'two', b: 2 }],
      [[1], { id: 1, a: 'x', b: 1, c: '1.50' }],
      [[3], { id: 3, a: 'three', b: 3, c: '3.25' }],
      [[4], { id: 4, a: 'four', c: '4.50' }],
      [[5], { id: 5, aa: 'five', c: '5.50' }],
      [[6], { id: 6, aa: 'six', c: 6.5 }],
      [[8], { id: 8, aa: 'eight', c: 8.5 }],
    ])
    expect(records[7]?.keySchema?.fields[0]?.schema.type).toBe('INT64')
  })

  it('follows the primary key: its order from the catalog, its columns from the row', async () => {
    const db = await bench.database('create table d (id int primary key, aa text not null)')
    const source = await bench.source(db.config({ 'snapshot.mode': 'no_data' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`
      insert into d values (1, 'a');
      alter table d drop constraint d_pkey; alter table d add primary key (aa, id);
      insert into d values (2, 'b'); delete from d where id = 2`)
    const records = await source.waitForRecords(4)
    expect(story(records)).toEqual(['c [1]', 'c ["b",2]', 'd ["b",2]', '- ["b",2]'])
  })

  it('keeps the key of rows whose table was dropped before they are read', async () => {
    const db = await bench.database('create table d (id int primary key, v text not null)')
    const source = await bench.source(db.config({ 'snapshot.mode': 'no_data' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`
      create table e (v text not null, id int, primary key (id)); insert into e values ('x', 7); drop table e;
      insert into d values (1, 'y'); alter table d rename to renamed; insert into renamed values (2, 'z')`)
    const records = await source.waitForRecords(3)
    expect(records.map((record) => [record.topic, record.key, rowOf(record)])).toEqual([
      ['t.public.e', [7], { v: 'x', id: 7 }],
      ['t.public.d', [1], { id: 1, v: 'y' }],
      ['t.public.renamed', [2], { id: 2, v: 'z' }],
    ])
  })

  it('reads a transaction that changes its own table', async () => {
    const db = await bench.database('create table d (id int primary key)')
    const source = await bench.source(db.config())
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(
      `begin; insert into d values (1); alter table d add column z bool; insert into d values (2, true); commit`,
    )
    const records = await source.waitForRecords(2)
    expect(records.map((record) => rowOf(record))).toEqual([{ id: 1 }, { id: 2, z: true }])
  })

  it('follows added and renamed labels of an enum', async () => {
    const db = await bench.database(
      `create type mood as enum ('ok'); create table d (id int primary key, m mood, ms mood[])`,
    )
    const source = await bench.source(db.config())
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`
      insert into d values (1, 'ok', '{ok}');
      alter type mood add value 'fine';
      insert into d values (2, 'fine', '{ok,fine}');
      alter type mood rename value 'fine' to 'great';
      insert into d values (3, 'great', null)`)
    const records = await source.waitForRecords(3)
    expect(records.map((record) => rowOf(record)?.['m'])).toEqual(['ok', 'fine', 'great'])
    expect(rowOf(records[1] ?? expect.fail('no record'))?.['ms']).toEqual(['ok', 'fine'])
    const allowed = records.map(
      (record) => record.valueSchema?.fields[1]?.schema.fields[1]?.schema.parameters?.['allowed']?.split(',') ?? [],
    )
    for (const [i, labels] of allowed.entries()) expect(labels).toContain(['ok', 'fine', 'great'][i])
  })

  it('returns the same schema objects as long as nothing changes', async () => {
    const db = await bench.database('create table d (id int primary key, v text); insert into d values (1)')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await db.play('insert into d values (2); analyze d; insert into d values (3)')
    const records = await source.waitForRecords(3)
    expect(new Set(records.map((record) => record.valueSchema)).size).toBe(1)
    expect(new Set(records.map((record) => record.keySchema)).size).toBe(1)
  })

  it('captures a new table of a publication for all tables, and skips what the filters exclude', async () => {
    const db = await bench.database('create table a (id int primary key)')
    const source = await bench.source(db.config({ 'table.exclude.list': 'public\\.hidden.*' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`
      create table hidden_one (id int primary key, v tsvector); insert into hidden_one values (1, 'x');
      create table b (id int primary key); insert into b values (1);
      begin; insert into hidden_one values (2); insert into b values (2); commit`)
    const records = await source.waitForRecords(2)
    expect(records.map((record) => `${opOf(record)} ${record.topic}`)).toEqual(['c t.public.b', 'c t.public.b'])
    expect(source.lines.filter((line) => line.message.includes('hidden'))).toEqual([])
  })
})
