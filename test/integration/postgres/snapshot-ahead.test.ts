import type { SourceRecord } from 'penstock/api'
import { afterEach, expect, it } from 'vitest'
import { plugin as elasticsearchSink } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { rowOf, sourceBench, story, versionOf, type SourceBench } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'
import { MemoryOffsets, type SourceTaskHarness } from '../../support/task/source-task-harness.ts'
import type { TestDatabase } from '../../support/postgres/postgres.ts'

const code = 'PG_SNAPSHOT_AHEAD'
/** A value that is unique to its row, as an SQL expression of `of`. */
const largeOf = (of: string): string =>
  `(select string_agg(md5(i::text || '-' || ${of}), '') from generate_series(1, 300) i)`
const large = largeOf(`'x'`)
const swap = `update t set id = 9 where id = 1; update t set id = 1 where id = 2; update t set id = 2 where id = 9`

const message = (source: SourceTaskHarness): string => source.conditions.get(code) ?? ''
/** The statements that a message tells the operator to run. */
const repairs = (text: string): string[] => [...text.matchAll(/Run: (UPDATE [^;]+;)/g)].map(([, sql]) => String(sql))
const warnings = (source: SourceTaskHarness): string[] =>
  source.lines.flatMap(({ level, message: text }) => (level === 'warn' && text.includes(code) ? text : []))
const aheadOf = (record: SourceRecord | undefined): unknown =>
  record?.headers.find(({ key }) => key === '__penstock.ahead')?.value

/** A table, and a slot of another client that was created before the table's later changes. */
async function withSlot(bench: SourceBench, table: string): Promise<TestDatabase> {
  const db = await bench.database(`${table}; create publication p for all tables`)
  await db.rows('select pg_create_logical_replication_slot($1, $2)', [db.name, 'pgoutput'])
  return db
}

const twoRows = `create table t (id int primary key, n int, body text); insert into t select g, 0, ${largeOf('g')} from generate_series(1, 2) g`

describeWith(['postgres'], 'a snapshot of the Postgres source that is ahead of the stream', () => {
  const bench = sourceBench(() => service('postgres'))

  it('lists rows whose key changed without their large values, until its statement has run', async () => {
    const db = await withSlot(bench, twoRows)
    await db.play(swap)
    const source = await bench.source(db.config())
    const records = await source.waitForRecords(2 + 9)
    expect(message(source)).toContain('"public"."t": 2 rows ("id": 1, 2), "body".')
    expect(records.slice(2).map(aheadOf)).toEqual(
      [1, 2, 3].flatMap(() => [undefined, undefined, versionOf(records[0] as SourceRecord)]),
    )
    await db.play('insert into t values (3)')
    await source.waitFor('the line in the logs', () => warnings(source).length > 0)
    expect(warnings(source)).toEqual([`PG_SNAPSHOT_AHEAD: ${message(source)}`])

    const rows = await db.rows<{ id: number; body: string }>('select id, body from t where id < 3 order by id')
    const [statement = ''] = repairs(message(source))
    await db.play(statement)
    const sent = (await source.waitForRecords(2 + 9 + 1 + 2)).slice(-2).map((record) => rowOf(record))
    expect(sent.map((row) => ({ id: row?.['id'], body: row?.['body'] }))).toEqual(rows)
    await source.waitFor('the condition to end', () => !source.conditions.has(code))
    expect(await db.rows('select id, body from t where id < 3 order by id')).toEqual(rows)
    expect(source.offsets.written.at(-1)).not.toHaveProperty('penstock_ahead')
  })

  it('is remembered, with the rows, by a source that stops before the stream has reached it', async () => {
    const db = await withSlot(bench, twoRows)
    await db.play(`update t set id = 7 where id = 1; update t set id = 8 where id = 2`)
    const config = db.config({ 'max.batch.size': '1', 'max.queue.size': '2' })
    const first = await bench.source(config, new MemoryOffsets(), 2 + 3)
    await first.waitForRecords(2 + 3)
    await first.waitFor('the first row', () => first.conditions.has(code))
    await first.stop()
    expect(first.offsets.last).toHaveProperty('penstock_ahead')
    const second = await bench.source(config, first.offsets)
    await second.waitFor('both rows', () => message(second).includes('2 rows ("id": 7, 8)'))
    await db.play('insert into t values (3)')
    await second.waitFor('an offset past the snapshot', () => second.offsets.last?.['penstock_ahead'] === undefined)
    await second.stop()
    const third = await bench.source(config, second.offsets)
    await third.waitFor('the condition', () => message(third).includes('2 rows ("id": 7, 8)'))
    await db.play('update t set id = 5 where id = 7; delete from t where id = 8')
    await third.waitFor('one row, under its key of today', () => message(third).includes('1 rows ("id": 5)'))
    await db.play(repairs(message(third)).join(''))
    await third.waitFor('the condition to end', () => !third.conditions.has(code))
  })

  it.each([
    ['a slot that the source created', false, ''],
    ['REPLICA IDENTITY FULL', true, 'alter table t replica identity full'],
  ])('names nothing with %s', async (_name, isGiven, before) => {
    const db = isGiven ? await withSlot(bench, `${twoRows}; ${before}`) : await bench.database(twoRows)
    if (isGiven) await db.play(swap)
    const source = await bench.source(db.config())
    if (!isGiven) {
      await source.waitForRecords(2)
      await db.play(swap)
    }
    const records = await source.waitForRecords(2 + 9)
    expect(story(records.slice(-3))).toEqual(['d [9]', '- [9]', 'c [2]'])
    expect(records.map(aheadOf)).toEqual(records.map(() => undefined))
    expect([source.conditions, warnings(source)]).toEqual([new Map(), []])
    if (!isGiven) expect(source.offsets.written.filter((offset) => 'penstock_ahead' in offset)).toEqual([])
  })

  it('lists no changes after it', async () => {
    const db = await withSlot(bench, twoRows)
    await db.play('update t set n = 1')
    const source = await bench.source(db.config())
    await source.waitForRecords(2 + 2)
    await db.play('update t set id = 7 where id = 1')
    const records = await source.waitForRecords(2 + 2 + 3)
    expect(records.slice(2).map(aheadOf).map(Boolean)).toEqual([true, true, false, false, false])
    expect([source.conditions, warnings(source)]).toEqual([new Map(), []])
  })

  it('covers the whole table when more rows are uncertain than it lists, until one transaction has written as many', async () => {
    const db = await withSlot(
      bench,
      `create table t (id int primary key, n int, body text); insert into t select g, 0, ${largeOf('g')} from generate_series(1, 130) g`,
    )
    await db.play('update t set id = id + 1000')
    const source = await bench.source(db.config())
    await source.waitForRecords(130 + 3 * 130)
    await db.play(`insert into t values (0)`)
    const text = '"public"."t": 130 rows ("id": 1001, 1002, 1003, 1004, 1005, 125 more)'
    await source.waitFor('the number of all rows', () => message(source).includes(text))
    const [statement = ''] = repairs(message(source))
    expect(statement).not.toContain('WHERE')
    await db.play(`update t set body = 'x' where id <= 1100`)
    await source.waitForRecords(130 + 3 * 130 + 1 + 101)
    expect(source.conditions.has(code)).toBe(true)
    await db.play(statement)
    await source.waitFor('the condition to end', () => !source.conditions.has(code))
  })

  it('gives a statement that keeps the values of every type', async () => {
    const arrayOf = (value: string): string => `(select array_agg(${value}) from generate_series(1, 3000) g)`
    const columns: [string, string][] = [
      ['text', large],
      ['varchar(20000)', large],
      ['char(9600)', large],
      ['some_text', large],
      ['json', `(select json_agg(md5(g::text)) from generate_series(1, 300) g)`],
      ['jsonb', `(select jsonb_agg(md5(g::text)) from generate_series(1, 300) g)`],
      ['bytea', `(select string_agg(decode(md5(g::text), 'hex'), '') from generate_series(1, 600) g)`],
      ['xml', `(select ('<a>' || string_agg(md5(g::text), '') || '</a>')::xml from generate_series(1, 300) g)`],
      ['int[]', arrayOf('(random() * 1e9)::int')],
      ['float8[]', arrayOf('random()')],
      ['text[]', arrayOf('md5(g::text)')],
      ['int[]', arrayOf('array[g * 7919, (random() * 1e9)::int]')],
      ['some_ints', arrayOf('(random() * 1e9)::int')],
    ]
    const list = columns.map(([type], i) => `"C ${i}" ${type}`).join(', ')
    const db = await withSlot(
      bench,
      `create domain some_text as text; create domain some_ints as int[];
       create table t ("a b" text, d date, n int, primary key ("a b", n), ${list});
       create table u ("Key" text primary key, n int, v text, w int[])`,
    )
    await db.play(`insert into t select 'it''s', '2020-01-01', 1, ${columns.map(([, value]) => value).join(', ')};
      insert into u values ('x', 1, ${large}, null), ('y', 1, null, ${arrayOf('g * 7919')}), ('z', 1, ${large}, '{}')`)
    await db.play(`update t set n = 2; update u set "Key" = "Key" || '1'`)
    const source = await bench.source(db.config())
    const records = await source.waitForRecords(1 + 3 + 1 + 3 + 3 + 3 * 3)
    const content = async (): Promise<unknown> => [
      await db.rows(`select md5(t::text) as t from t`),
      await db.rows(`select md5(u::text) as u from u order by "Key"`),
    ]
    const before = await content()
    const reads = records.slice(0, 1).map((record) => Object.values(rowOf(record) ?? {}).slice(3))
    const statements = repairs(message(source))
    expect(statements).toHaveLength(2)
    for (const statement of statements) await db.play(statement)
    await source.waitFor('the condition to end', () => !source.conditions.has(code))
    const sent = source.records.findLast(({ topic }) => topic.endsWith('.t'))
    expect([Object.values(rowOf(sent as SourceRecord) ?? {}).slice(3)]).toEqual(reads)
    expect(await content()).toEqual(before)
  })
})

describeWith(['postgres', 'elasticsearch'], 'a snapshot that is ahead of the stream, in Elasticsearch', () => {
  const bench = sourceBench(() => service('postgres'))
  const indices: string[] = []

  afterEach(async () => {
    for (const index of indices.splice(0)) await fetch(`${service('elasticsearch')}/${index}`, { method: 'DELETE' })
  })

  const sink = (log: MemoryLog, topic: string): SinkTaskHarness =>
    new SinkTaskHarness(
      elasticsearchSink,
      { name: 'es', topics: topic, 'connection.url': service('elasticsearch') },
      log,
    )

  async function deliver(log: MemoryLog, topic: string): Promise<SinkTaskHarness> {
    const task = sink(log, topic)
    await task.start()
    await task.deliverAll()
    await task.finish()
    return task
  }

  function append(log: MemoryLog, records: readonly SourceRecord[]): void {
    for (const { topic, keySchema, key, valueSchema, value, headers } of records)
      log.append({ topic, keySchema, key, valueSchema, value, headers })
  }

  async function documents(index: string): Promise<unknown[]> {
    const all = [...(await new ElasticsearchClient(service('elasticsearch')).documents(index)).values()]
    return all.map((text) => JSON.parse(text) as { id: number }).toSorted((a, b) => a.id - b.id)
  }

  async function interrupted(
    table: string,
    changes: string,
    count: number,
  ): Promise<[TestDatabase, SourceTaskHarness, MemoryLog]> {
    const db = await bench.database(table)
    const config = db.config({ 'topic.prefix': db.name, 'max.batch.size': '1', 'max.queue.size': '1' })
    indices.push(`${db.name}.public.t`)
    const first = await bench.source(config, new MemoryOffsets(), 1)
    await first.waitForRecords(1)
    await first.stop()
    expect(first.offsets.last).toMatchObject({ snapshot_completed: false })
    await db.play(changes)
    const second = await bench.source(config, first.offsets)
    await second.waitForRecords(count)
    const log = new MemoryLog()
    append(log, [...first.records, ...second.records])
    return [db, second, log]
  }

  it('keeps the large value of each row when rows swap keys while the snapshot is interrupted (I12)', async () => {
    const [db, source, log] = await interrupted(twoRows, swap, 2 + 9)
    const topic = `${db.name}.public.t`
    const task = await deliver(log, topic)
    expect(await documents(topic)).toEqual(await db.rows('select * from t order by id'))
    expect(task.conditions).toEqual(new Map())
    expect(message(source)).toContain('2 rows ("id": 1, 2)')
  })

  it('can store values of other rows when the sink restarts meanwhile, which the statement of the source corrects', async () => {
    const [db, source, log] = await interrupted(twoRows, swap, 2 + 9)
    const topic = `${db.name}.public.t`
    const records = log.records.get(`${topic}-0`) ?? []
    // The rows that were read, and the first of the three changes.
    const rest = records.splice(1 + 2 + 3)
    await deliver(log, topic)
    records.push(...rest)
    await deliver(log, topic)
    const table = await db.rows('select * from t order by id')
    expect(await documents(topic)).not.toEqual(table)
    const before = source.records.length
    for (const statement of repairs(message(source))) await db.play(statement)
    append(log, (await source.waitForRecords(before + 2)).slice(before))
    await deliver(log, topic)
    expect(await documents(topic)).toEqual(table)
    await source.waitFor('the condition to end', () => !source.conditions.has(code))
  })
})
