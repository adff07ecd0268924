import type { RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'
import { checkIntervalMs } from '../../../connectors/postgres-source/publication/publication-monitor.ts'
import { look, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { needsPostgres } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { MemoryOffsets, type SourceTaskHarness } from '../../support/task/source-task-harness.ts'

const mode = (name: string): RawConfig => ({ 'publication.autocreate.mode': name })

describeWith(['postgres'], 'changes of a captured table that the stream did not send (I7)', () => {
  const bench = sourceBench(() => service('postgres'))
  const twoTables = `create table a (id int primary key); create table b (id int primary key);
    insert into a values (1); insert into b values (1)`

  async function unread(source: SourceTaskHarness): Promise<string> {
    await source.waitFor('the condition', () => source.conditions.has('PG_UNREAD'))
    return source.conditions.get('PG_UNREAD') ?? ''
  }

  it.for<[string, string, string]>([
    ['leaves the publication and returns', 'alter publication p drop table a', 'alter publication p add table a'],
    ['has a row filter', 'alter publication p set table a where (id > 5), b', 'alter publication p set table a, b'],
    [
      'sends inserts only',
      `alter publication p set (publish = 'insert')`,
      `alter publication p set (publish = 'insert, update, delete, truncate')`,
    ],
  ])('are told of where a table %s between two looks', async ([, away, back], test) => {
    const clock = new SkippingClock()
    const db = await bench.database(twoTables)
    if (away.includes('where')) await needsPostgres(db, 15, test)
    const source = await bench.source(db.config(mode('filtered')), undefined, undefined, clock)
    await source.waitForRecords(2)
    await source.waitFor('the stream', () => db.isStreaming())
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    await db.play(away)
    await db.play('update a set id = 2 where id = 1')
    await db.play(back)
    await look(source, clock)
    expect(await unread(source)).toMatch(
      /^public\.a(?:, public\.b)? left the captured tables or the publication, was renamed, /,
    )
  })

  const partitioned = `create table a (id int primary key) partition by range (id);
    create table a1 partition of a for values from (0) to (10);
    create table b (id int primary key); insert into a values (1); insert into b values (1)`
  it.for<[string, string, string, RawConfig, string, RegExp]>([
    [
      'has a name that the filters exclude',
      twoTables,
      'public.a,public.b',
      mode('filtered'),
      'alter table a rename to a2; update a2 set id = 2; alter table a2 rename to a',
      /^public\.a left /,
    ],
    [
      'has such a name within one transaction',
      twoTables,
      'public.a,public.b',
      mode('all_tables'),
      'begin; alter table a rename to a2; update a2 set id = 2; alter table a2 rename to a; commit',
      /^public\.a left /,
    ],
    [
      'is in another schema',
      twoTables,
      'public.a,public.b',
      mode('all_tables'),
      'create schema s; alter table a set schema s; delete from s.a; alter table s.a set schema public',
      /^public\.a left /,
    ],
    [
      'has another name that the filters match',
      twoTables,
      'public\\..*',
      mode('all_tables'),
      'alter table a rename to c; update c set id = 2; alter table c rename to a',
      /^public\.a left /,
    ],
    [
      'is detached from its root',
      partitioned,
      'public.a,public.b',
      { ...mode('filtered'), 'publish.via.partition.root': 'true' },
      `begin; alter table a detach partition a1; update a1 set id = 2;
       alter table a attach partition a1 for values from (0) to (10); commit`,
      /^public\.a1 left /,
    ],
  ])('are told of where a table %s for a time', async ([, tables, list, options, script, expected]) => {
    const clock = new SkippingClock()
    const db = await bench.database(tables)
    const source = await bench.source(
      db.config({ ...options, 'table.include.list': list }),
      undefined,
      undefined,
      clock,
    )
    await source.waitFor('the stream', () => db.isStreaming())
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    await db.play(script)
    await db.play('insert into b values (9)')
    await source.waitFor('the end', () => story(source.records).includes('c [9]'))
    await look(source, clock)
    expect(await unread(source)).toMatch(expected)
  })

  it.for<[string, string, RegExp]>([
    ['gets another name', 'alter table a rename to c', /^public\.c joined /],
    [
      'swaps its name with another',
      'begin; alter table a rename to c; alter table b rename to a; alter table c rename to b; commit',
      /^public\.a, public\.b joined /,
    ],
    [
      'is replaced by one that was filled under a name of its own',
      `create table "left" (id int primary key); insert into "left" values (5);
       begin; drop table a; alter table "left" rename to a; commit`,
      /^public\.a joined /,
    ],
  ])('are told of where a table %s, running or stopped', async ([, script, expected]) => {
    for (const isRunning of [true, false]) {
      const clock = new SkippingClock()
      const db = await bench.database(twoTables)
      const config = db.config({ ...mode('all_tables'), 'table.exclude.list': 'public.left' })
      const first = await bench.source(config, undefined, undefined, clock)
      await first.waitFor('the stream', () => db.isStreaming())
      await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
      if (!isRunning) await first.stop()
      await db.play(script)
      await db.play('create table z (id int primary key); insert into z values (9)')
      const source = isRunning ? first : await bench.source(config, first.offsets, undefined, clock)
      await source.waitFor('the end', () => story(source.records).includes('c [9]'))
      await look(source, clock)
      await source.waitFor('the condition', () => expected.test(source.conditions.get('PG_UNREAD') ?? ''))
    }
  })

  it('are forgotten once all tables are read, also when the WAL before that is sent again', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(twoTables)
    const config = db.config(mode('all_tables'))
    const first = await bench.source(
      { ...config, 'table.include.list': 'public.a,public.b' },
      undefined,
      undefined,
      clock,
    )
    await first.waitForRecords(2)
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    first.hold()
    await db.play(
      'alter table a rename to a2; update a2 set id = 2; alter table a2 rename to a; insert into b values (8)',
    )
    await first.waitFor('the rows', () => story(first.records).includes('c [8]'))
    await look(first, clock)
    await unread(first)
    await first.stop()
    const again = { ...config, 'table.include.list': 'public.a,public.b', 'snapshot.mode': 'always' }
    const second = await bench.source(again, first.offsets, undefined, clock)
    await second.waitFor('the end', () => second.lines.some(({ message }) => message.startsWith('snapshot complete')))
    await second.waitFor('the log before it', () => story(second.records).includes('c [8]'))
    await look(second, clock)
    await second.waitFor('the look', () => clock.isWaiting(checkIntervalMs))
    expect([...second.conditions.keys()]).toEqual([])
  })

  it('are reported when the start adds the table to the publication again', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(twoTables)
    const config = db.config(mode('filtered'))
    const first = await bench.source(config, undefined, undefined, clock)
    await first.waitForRecords(2)
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    await db.play('alter publication p drop table a')
    await look(first, clock)
    await first.waitFor('the condition', () => first.conditions.has('PG_NOT_PUBLISHED'))
    await db.play('delete from a')
    await first.stop()
    const second = await bench.source(config, first.offsets)
    expect(await unread(second)).toMatch(/^public\.a left /)
    await second.waitFor('the stream', () => db.isStreaming())
    await second.stop()
    const stored = (): string => JSON.stringify([...first.offsets.others])
    const third = await bench.source({ ...config, 'snapshot.mode': 'always' }, first.offsets)
    await third.waitFor('the end', () => third.lines.some(({ message }) => message.startsWith('snapshot complete')))
    await third.waitFor('the list of tables, with nothing missed', () => stored().includes('"gaps":""'))
    await third.stop()
    const last = await bench.source(config, first.offsets)
    await last.waitFor('the stream', () => db.isStreaming())
    expect([...last.conditions.keys()]).toEqual([])
  })

  it('are reported when the filters excluded the table for some time, although it is empty since', async () => {
    const db = await bench.database(twoTables)
    const config = (list: string): RawConfig => db.config({ ...mode('filtered'), 'table.include.list': list })
    const offsets = new MemoryOffsets()
    for (const list of ['public.a,public.b', 'public.b']) {
      const source = await bench.source(config(list), offsets)
      await source.waitFor('the stream', () => db.isStreaming())
      await source.waitFor('the list of tables', () => offsets.others.size > 0)
      await db.play(`insert into b values (${list.length})`)
      await source.waitFor('the row', () => story(source.records).includes(`c [${list.length}]`))
      await source.stop()
    }
    await db.play('delete from a')
    const back = await bench.source(config('public.a,public.b'), offsets)
    expect(await unread(back)).toMatch(/^public\.a left /)
  })

  it.each(['while it runs', 'while it is stopped'])(
    'are reported when a filled table takes a captured name %s',
    async (when) => {
      const db = await bench.database(`create table real (id int primary key); insert into real values (1)`)
      const config = db.config({ ...mode('all_tables'), 'table.include.list': 'public.real,public.moved' })
      const offsets = new MemoryOffsets()
      const swap = `create table staging (id int primary key); insert into staging values (2);
        create schema s; create table s.moved (id int primary key); insert into s.moved values (3)`
      const rename = `drop table real; alter table staging rename to real; insert into real values (4);
        alter table s.moved set schema public; insert into moved values (5)`
      const first = await bench.source(config, offsets)
      await first.waitForRecords(1)
      await first.waitFor('the stream', () => db.isStreaming())
      await first.waitFor('the list of tables', () => offsets.others.size > 0)
      if (when === 'while it is stopped') await first.stop()
      await db.play(swap)
      await db.play(rename)
      const source = when === 'while it runs' ? first : await bench.source(config, offsets)
      await source.waitFor('the rows', () => story(source.records).includes('c [5]'))
      expect(await unread(source)).toMatch(
        /^public\.real, public\.moved joined the captured tables after the snapshot: /,
      )
    },
  )

  it('are reported when an existing table takes a captured name, or is made logged', async () => {
    const db = await bench.database(`create table real (id int primary key); create table old (id int primary key);
      insert into old values (1); create unlogged table fast (id int primary key); insert into fast values (1)`)
    const config = db.config({ ...mode('all_tables'), 'table.include.list': 'public.real,public.f.*' })
    const first = await bench.source(config)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    await first.stop()
    await db.play('drop table real; alter table old rename to real; alter table fast set logged')
    const second = await bench.source(config, first.offsets)
    expect(await unread(second)).toMatch(/^public\.fast, public\.real joined the captured tables after the snapshot: /)
  })

  it('are reported when a filled table becomes a partition of a captured root, and not when it is created as one', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(`create table m (id int primary key) partition by range (id);
      create table m1 partition of m for values from (0) to (10); insert into m values (1)`)
    const config = db.config({
      ...mode('filtered'),
      'table.include.list': 'public.m',
      'publish.via.partition.root': 'true',
    })
    const source = await bench.source(config, undefined, undefined, clock)
    await source.waitForRecords(1)
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    await db.play(`create table m2 partition of m for values from (10) to (20); insert into m values (10)`)
    await source.waitForRecords(2)
    await look(source, clock)
    await source.waitFor('the look', () => clock.isWaiting(checkIntervalMs))
    expect([...source.conditions.keys()]).toEqual([])
    await db.play('create table m3 (id int primary key)')
    await db.play('insert into m3 values (20)')
    await db.play('alter table m attach partition m3 for values from (20) to (30)')
    await look(source, clock)
    expect(await unread(source)).toMatch(/^public\.m3 joined /)
  })

  it.for<[string, boolean, string[]]>([
    ['between two looks', true, ['drop table a; create table a (id int primary key)']],
    ['and looked for between', true, ['drop table a', 'create table a (id int primary key)']],
    ['while it is stopped', false, ['drop table a; create table a (id int primary key); insert into a values (5)']],
  ])('are told of where a table is dropped and created again %s', async ([, isRunning, scripts]) => {
    const clock = new SkippingClock()
    const db = await bench.database(twoTables)
    let source = await bench.source(db.config(mode('all_tables')), undefined, undefined, clock)
    await source.waitForRecords(2)
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    await source.waitFor('the stream', () => db.isStreaming())
    if (!isRunning) await source.stop()
    for (const script of scripts) {
      await db.play(script)
      if (isRunning) await look(source, clock)
    }
    if (!isRunning) source = await bench.source(db.config(mode('all_tables')), source.offsets, undefined, clock)
    expect(await unread(source)).toMatch(
      /^public\.a was dropped and created again: topics and sinks still hold the rows of /,
    )
    await source.stop()
    const reread = { ...mode('all_tables'), 'snapshot.mode': 'always' }
    const again = await bench.source(db.config(reread), source.offsets, undefined, clock)
    await again.waitForRecords(1)
    await again.waitFor('the end', () => again.lines.some((line) => line.message.startsWith('streaming from')))
    expect([...again.conditions.keys()]).toEqual([])
  })

  it('are not reported when tables are dropped and others are created', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(twoTables)
    const source = await bench.source(db.config(mode('all_tables')), undefined, undefined, clock)
    await source.waitForRecords(2)
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('drop table a; create table c (id int primary key); insert into b values (2)')
    await source.waitForRecords(3)
    await look(source, clock)
    await source.waitFor('the look', () => clock.isWaiting(checkIntervalMs))
    expect([...source.conditions.keys()]).toEqual([])
  })

  it('are not reported when the publication covers new tables and partitions from their first row', async (test) => {
    const clock = new SkippingClock()
    const db = await bench.database(`create schema s; create table s.t (id int primary key);
      create table m (id int primary key) partition by range (id)`)
    await needsPostgres(db, 15, test)
    await db.play('create publication p for tables in schema s, table m')
    const config = db.config({ ...mode('disabled'), 'table.include.list': 's\\..*,public\\.m.*' })
    const source = await bench.source(config, undefined, undefined, clock)
    await source.waitFor('the stream', () => db.isStreaming())
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    await db.play('create table s.u (id int primary key)')
    await db.play('create table m1 partition of m for values from (0) to (10)')
    await db.play('insert into s.u values (1); insert into m values (2)')
    expect(story(await source.waitForRecords(2))).toEqual(['c [1]', 'c [2]'])
    await look(source, clock)
    await source.waitFor('the look', () => clock.isWaiting(checkIntervalMs))
    expect([...source.conditions.keys()]).toEqual([])
    await db.play('create table m2 (id int primary key)')
    await db.play('insert into m2 values (10)')
    await db.play('alter table m attach partition m2 for values from (10) to (20)')
    await look(source, clock)
    expect(await unread(source)).toMatch(/^public\.m2 joined /)
  })
})
