import type { SourceRecord } from 'penstock/api'
import { expect, it } from 'vitest'
import { rowOf, sourceBench } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['postgres'], 'columns without a mapping', () => {
  const bench = sourceBench(() => service('postgres'))

  it('arrive as the bytes of their text, and arrays of them as arrays of bytes, from the snapshot and from the stream', async () => {
    const db = await bench.database(`
      create type pair as (a int, b text); create domain small as int check (value < 10);
      create table t (id int primary key, p pair, l line, ps pair[], ds small[], bs box[], xs xid[], ms money[]);
      insert into t values (1, (1, 'x y'), '{1,2,3}', array[(1, 'x y')::pair, (2, null)::pair], '{1,2}',
        '{(1,1),(0,0);(2,2),(1,1)}', '{7,8}', '{1,2}')`)
    const source = await bench.source(db.config({ 'include.unknown.datatypes': 'true' }))
    await source.waitForRecords(1)
    await db.play(
      `insert into t select 2, p, l, ps, ds, bs, xs, ms from t; insert into t (id, ds) values (3, '{1,NULL}')`,
    )
    const records = await source.waitForRecords(3)
    const texts = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(texts) : Buffer.isBuffer(value) ? value.toString() : value
    for (const record of records.slice(0, 2)) {
      expect(
        Object.values(rowOf(record) ?? {})
          .slice(1)
          .map(texts),
      ).toEqual([
        '(1,"x y")',
        '{1,2,3}',
        ['(1,"x y")', '(2,)'],
        ['1', '2'],
        ['(1,1),(0,0)', '(2,2),(1,1)'],
        ['7', '8'],
        ['$1.00', '$2.00'],
      ])
    }
    // A NULL element makes the element schema optional from there on.
    expect(texts(rowOf(records[2] ?? expect.fail('no record'))?.['ds'] ?? null)).toEqual(['1', null])
    const isOptional = ({ valueSchema }: SourceRecord): boolean | undefined =>
      valueSchema?.fields.find(({ name }) => name === 'after')?.schema.fields.find(({ name }) => name === 'ds')?.schema
        .valueSchema?.optional
    expect(records.map(isOptional)).toEqual([false, false, true])
  })
})
