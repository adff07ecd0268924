import type { ConfigProblem, RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { present } from '../../../src/foundation/assert.ts'
import { look, rowOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { needsPostgres, type TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { MemoryOffsets } from '../../support/task/source-task-harness.ts'

const mode = (name: string): RawConfig => ({ 'publication.autocreate.mode': name })

async function check(raw: RawConfig): Promise<readonly ConfigProblem[]> {
  const config = parseConfig(plugin.configDef, raw)
  return (await plugin.check?.(config, raw, AbortSignal.timeout(60_000))) ?? []
}

/** The statement of a message that begins with these words. */
function statement(message: string | undefined, start: string): string {
  const from = message?.indexOf(start) ?? -1
  if (message === undefined || from < 0) throw new TypeError(`no ${start} in: ${message}`)
  return message.slice(from, message.indexOf(';', from) + 1)
}

async function published(db: TestDatabase): Promise<unknown[]> {
  const rows = await db.rows('select * from pg_publication_tables order by tablename')
  return rows.map((row) => [row['tablename'], row['attnames'], row['rowfilter']])
}

describeWith(['postgres'], 'a listed table whose rows cannot arrive', () => {
  const bench = sourceBench(() => service('postgres'))
  const partitioned = `create table msg (id int, d date, body text, primary key (id, d)) partition by range (d);
    create table msg_p1 partition of msg for values from ('2026-01-01') to ('2026-02-01');
    create table msg_p2 partition of msg for values from ('2026-02-01') to ('2026-03-01');
    insert into msg values (1, '2026-01-05', 'a'), (2, '2026-02-05', 'b')`
  const root = { 'table.include.list': 'public.msg' }

  it.each(['filtered', 'all_tables'])(
    'is rejected when it is partitioned and changes are sent under the names of its partitions (%s)',
    async (name) => {
      const db = await bench.database(partitioned)
      const config = db.config({ ...mode(name), ...root })
      const problem = {
        key: 'table.include.list',
        message:
          'PG_PARTITIONED: changes of public.msg are sent under the name of public.msg_p1, public.msg_p2, which the filters ' +
          'exclude. To capture them as public.msg, set publish.via.partition.root to true. Or add the partitions to ' +
          'table.include.list.',
      }
      expect(await check(config)).toEqual([problem])
      const refused = await bench.source(config)
      expect((await refused.failure()).message).toBe(problem.message)
      const viaRoot = { ...config, 'publish.via.partition.root': 'true' }
      expect(await check(viaRoot)).toEqual([])
      const source = await bench.source(viaRoot)
      await source.waitForRecords(2)
      await db.play(`insert into msg values (3, '2026-01-06', 'c'); update msg set body = 'bb' where id = 2;
        delete from msg where id = 1`)
      const records = await source.waitForRecords(6)
      expect(records.map((record) => record.topic)).toEqual(Array.from({ length: 6 }, () => 't.public.msg'))
    },
  )

  it('is rejected when it is partitioned, with the statement that fixes an existing publication', async () => {
    const db = await bench.database(`${partitioned}; create publication p for table msg`)
    const config = db.config({ ...mode('disabled'), ...root })
    const [problem] = await check(config)
    expect(problem?.message).toMatch(/^PG_PARTITIONED: /)
    await db.play(statement(problem?.message, 'ALTER PUBLICATION'))
    expect(await check(config)).toEqual([])
    const source = await bench.source(config)
    expect(story(await source.waitForRecords(2)).toSorted()).toEqual(['r [1,20458]', 'r [2,20489]'])
  })

  it('is rejected when it is a partition and changes are sent under the name of its root', async () => {
    const db = await bench.database(`${partitioned};
      create publication p for table msg with (publish_via_partition_root = true)`)
    const config = db.config({ ...mode('disabled'), 'table.include.list': 'public.msg_p1' })
    const [problem] = await check(config)
    expect(problem?.message).toMatch(
      /^PG_PARTITIONED: changes of public\.msg_p1 are sent under the name of public\.msg, .* Use public\.msg in table\.include\.list instead/,
    )
    await db.play(statement(problem?.message, 'ALTER PUBLICATION'))
    expect(await check(config)).toEqual([])
  })

  it('is reported when a partition is added that the filters exclude', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(partitioned)
    const config = db.config({ ...mode('filtered'), 'table.include.list': 'public.msg,public.msg_p1,public.msg_p2' })
    expect(await check(config)).toEqual([])
    const source = await bench.source(config, undefined, undefined, clock)
    await source.waitForRecords(2)
    await db.play(`create table late partition of msg for values from ('2026-03-01') to ('2026-04-01')`)
    await look(source, clock)
    await source.waitFor('the condition', () => source.conditions.has('PG_PARTITIONED'))
    expect(source.conditions.get('PG_PARTITIONED')).toContain('are sent under the name of public.late,')
    await db.play('drop table late')
    await look(source, clock)
    await source.waitFor('the end of the condition', () => source.conditions.size === 0)
  })

  it('is read as itself by initial_only, which needs no publication', async () => {
    const db = await bench.database(partitioned)
    const source = await bench.source(db.config({ 'snapshot.mode': 'initial_only', ...root }))
    const records = await source.waitForRecords(2)
    expect(records.map((record) => record.topic)).toEqual(['t.public.msg', 't.public.msg'])
  })

  it.each([
    ['a view', 'create view v as select 1 as id'],
    ['a materialized view', 'create materialized view v as select 1 as id'],
    ['an unlogged table', 'create unlogged table v (id int primary key)'],
  ])('is refused as %s', async (what, sql) => {
    const db = await bench.database(`create table t (id int primary key); ${sql}`)
    expect(await check(db.config({ 'table.include.list': 'public.t,public.v' }))).toEqual([
      {
        key: 'table.include.list',
        message: `PG_TABLE: table.include.list names "public.v", which is ${what}: Postgres does not publish its changes. Remove it from the list.`,
      },
    ])
  })

  it.each(['disabled', 'filtered'])(
    'is rejected when the publication sends only a part of its changes (%s)',
    async (name) => {
      const db = await bench.database(`create table t (id int primary key, v text);
      insert into t values (1, 'a'), (2, 'b'); create publication p for table t with (publish = 'insert')`)
      const config = db.config({ ...mode(name), 'table.include.list': 'public.t' })
      const [problem, ...others] = await check(config)
      expect(others).toEqual([])
      expect(problem?.message).toBe(
        'PG_PUBLICATION: publication "p" does not send update, delete, which skipped.operations does not exclude. Run: ' +
          `ALTER PUBLICATION "p" SET (publish = 'insert, update, delete'); or set skipped.operations to u,d,t.`,
      )
      expect(await check({ ...config, 'skipped.operations': 'u,d,t' })).toEqual([])
      await db.play(statement(problem?.message, 'ALTER PUBLICATION'))
      expect(await check(config)).toEqual([])
      const source = await bench.source(config)
      await source.waitForRecords(2)
      await db.play(`update t set v = 'z' where id = 1; delete from t where id = 2; insert into t values (3, 'c')`)
      expect(story(await source.waitForRecords(6)).slice(2)).toEqual(['u [1]', 'd [2]', '- [2]', 'c [3]'])
    },
  )

  it('is reported when the publication stops sending its updates, until it sends them again', async () => {
    const clock = new SkippingClock()
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config(mode('filtered')), undefined, undefined, clock)
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`alter publication p set (publish = 'insert')`)
    await look(source, clock)
    await source.waitFor('the condition', () => source.conditions.has('PG_PUBLICATION'))
    await db.play(statement(source.conditions.get('PG_PUBLICATION'), 'ALTER PUBLICATION'))
    await look(source, clock)
    await source.waitFor('the end of the condition', () => !source.conditions.has('PG_PUBLICATION'))
    await source.waitFor('the next condition', () => source.conditions.has('PG_UNREAD'))
    expect(source.conditions.get('PG_UNREAD')).toMatch(/^public\.t left /)
  })

  it('stops no other table while it does not exist, at the start and after a lost connection', async () => {
    const clock = new SkippingClock()
    const db = await bench.database('create table c (id int primary key); create table c2 (id int primary key)')
    const config = db.config({ ...mode('filtered'), 'table.include.list': 'public.c,public.c2,public.later' })
    expect(await check(config)).toEqual([])
    const source = await bench.source(config, undefined, undefined, clock)
    // The server streams from before the snapshot; the tables are known after it.
    const flows = (): boolean => source.lines.some(({ message }) => message.startsWith('streaming from'))
    await source.waitFor('the stream to be read', flows)
    expect(source.conditions.get('PG_TABLE')).toContain('table.include.list names "public.later", but')
    await db.play(`drop table c2; select pg_terminate_backend(active_pid) from pg_replication_slots
      where slot_name = '${db.name}'`)
    await source.waitFor('a retry', () => source.retried.length > 0)
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into c values (1)')
    expect(story(await source.waitForRecords(1))).toEqual(['c [1]'])
    expect(source.conditions.get('PG_TABLE')).toContain('names "public.c2"')
    await db.play('create table later (id int primary key); create table c2 (id int primary key)')
    await look(source, clock)
    await source.waitFor('the end of the condition', () => !source.conditions.has('PG_TABLE'))
    await source.stop()
    const again = await bench.source(config, source.offsets)
    await again.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into later values (2); insert into c2 values (3)')
    expect(story(await again.waitForRecords(2))).toEqual(['c [2]', 'c [3]'])
    expect([...again.conditions.keys()]).toEqual(['PG_UNREAD'])
    expect(again.conditions.get('PG_UNREAD')).toMatch(/^public\.c2 was dropped and created again/)
  })

  it('is rejected, and reported later, when its topic is that of another table', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(`create table "user data" (id int primary key, v text);
      insert into "user data" values (1, 'spaced')`)
    const config = db.config({ ...mode('filtered'), 'table.include.list': 'public.user.data' })
    expect(await check(config)).toEqual([])
    const source = await bench.source(config, undefined, undefined, clock)
    await source.waitForRecords(1)
    await db.play('create table user_data (id int primary key, n int); alter publication p add table user_data')
    await look(source, clock)
    await source.waitFor('the condition', () => source.conditions.has('PG_TOPIC_NAMES'))
    const message =
      'public.user data, public.user_data would all write to topic t.public.user_data, where their rows cannot be ' +
      'distinguished. Exclude all but one with table.exclude.list or table.include.list, or rename them.'
    expect(source.conditions.get('PG_TOPIC_NAMES')).toBe(message)
    await source.stop()
    expect(await check(config)).toEqual([{ key: 'table.include.list', message: `PG_TOPIC_NAMES: ${message}` }])
    const refused = await bench.source(config, source.offsets)
    expect((await refused.failure()).message).toBe(`PG_TOPIC_NAMES: ${message}`)
    expect(await check(db.config({ ...mode('filtered'), 'table.include.list': 'public.user_data' }))).toEqual([])
  })
})

describeWith(['postgres'], 'a publication that others use', () => {
  const bench = sourceBench(() => service('postgres'))

  it('serves two connectors that capture different tables', async () => {
    const db = await bench.database(`create table orders (id int primary key, v text);
      create table users (id int primary key, v text); insert into orders values (1, 'o1'); insert into users values (1, 'u1')`)
    const config = (name: string, table: string): RawConfig =>
      db.config({
        ...mode('filtered'),
        'topic.prefix': name,
        'slot.name': `${db.name}_${name}`,
        'table.include.list': table,
      })
    const a = await bench.source(config('a', 'public.orders'))
    await a.waitForRecords(1)
    const b = await bench.source(config('b', 'public.users'))
    await b.waitForRecords(1)
    await db.play(`insert into orders values (2, 'o2'); insert into users values (2, 'u2')`)
    expect((await a.waitForRecords(2)).map(({ topic }) => topic)).toEqual(['a.public.orders', 'a.public.orders'])
    expect((await b.waitForRecords(2)).map(({ topic }) => topic)).toEqual(['b.public.users', 'b.public.users'])
  })

  it('keeps its row filter and its column list when a table is added', async (test) => {
    const db = await bench.database(
      `create table a (id int primary key, region text); create table b (id int primary key)`,
    )
    await needsPostgres(db, 15, test)
    await db.play('create publication p for table a (id) where (id < 100)')
    const source = await bench.source(db.config({ ...mode('filtered'), 'table.include.list': 'public.a,public.b' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into a values (1, 'us'), (500, 'eu'); insert into b values (7)`)
    const records = await source.waitForRecords(2)
    expect(records.map((record) => rowOf(record))).toEqual([{ id: 1 }, { id: 7 }])
    expect(await published(db)).toEqual([
      ['a', '{id}', '(id < 100)'],
      ['b', '{id}', null],
    ])
  })

  it('stays one for the tables of a schema', async (test) => {
    const db = await bench.database(
      `create table a (id int primary key); create schema s; create table s.b (id int primary key)`,
    )
    await needsPostgres(db, 15, test)
    await db.play('create publication p for tables in schema s')
    const lists = { 'table.include.list': 'public.a,s.b' }
    const source = await bench.source(db.config({ ...mode('filtered'), ...lists }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('create table s.c (id int primary key); insert into a values (1); insert into s.b values (2)')
    expect(story(await source.waitForRecords(2))).toEqual(['c [1]', 'c [2]'])
    expect((await published(db)).map((row) => (row as unknown[])[0])).toEqual(['a', 'b', 'c'])
  })
})

describeWith(['postgres'], 'the writes of the application', () => {
  const bench = sourceBench(() => service('postgres'))

  it('succeed on tables that are not captured: a publication for all tables is rejected if it would block them', async () => {
    const db = await bench.database(`create table a (id int primary key, v text);
      create table audit (at timestamptz default now(), note text); insert into audit (note) values ('n');
      create table ups (k int unique, n int); insert into ups values (1, 1);
      create table put_off (id int primary key deferrable); insert into put_off values (1)`)
    const config = db.config({ 'table.include.list': 'public.a' })
    const problem = {
      key: 'publication.autocreate.mode',
      message:
        'PG_REPLICA_IDENTITY: once publication "p" covers them, Postgres rejects UPDATE, DELETE and INSERT … ON CONFLICT DO ' +
        'UPDATE on public.audit (has no replica identity), public.put_off (has no replica identity), public.ups (has no ' +
        'replica identity). Set publication.autocreate.mode to filtered: then the publication covers only the captured tables.',
    }
    expect(await check(config)).toEqual([problem])
    const refused = await bench.source(config)
    expect((await refused.failure()).message).toBe(problem.message)
    await refused.stop()
    const source = await bench.source({ ...config, ...mode('filtered') })
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`update audit set note = 'm'; delete from audit; update put_off set id = 2;
      insert into ups values (1, 1) on conflict (k) do update set n = ups.n + 1; insert into a values (1, 'x')`)
    expect(story(await source.waitForRecords(1))).toEqual(['c [1]'])
  })

  it('succeed on captured tables: one without replica identity is rejected, and each remedy works', async () => {
    const db = await bench.database(
      'create table t (id int primary key); create table bare (v int); insert into bare values (1)',
    )
    const config = db.config(mode('filtered'))
    const [problem] = await check(config)
    expect(problem?.message).toMatch(/^PG_REPLICA_IDENTITY: .* on public\.bare \(has no replica identity\)\. Run: /)
    expect(await check({ ...config, 'table.exclude.list': 'public.bare' })).toEqual([])
    await db.play(statement(problem?.message, 'ALTER TABLE "public"."bare" REPLICA IDENTITY FULL'))
    expect(await check(config)).toEqual([])
  })

  it('succeed on a table that is not added to an existing publication, and the others are captured', async () => {
    const db = await bench.database('create table t (id int primary key); create publication p for table t')
    const offsets = new MemoryOffsets()
    const first = await bench.source(db.config(mode('filtered')), offsets)
    await first.waitFor('the stream', () => db.isStreaming())
    await db.play('create table bare (v int); insert into bare values (1)')
    await first.stop()
    expect((await check(db.config(mode('filtered'))))[0]?.message).toMatch(
      /^PG_REPLICA_IDENTITY: tables are not captured/,
    )
    const source = await bench.source(db.config(mode('filtered')), offsets)
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('update bare set v = 2; insert into t values (1)')
    expect(story(await source.waitForRecords(1))).toEqual(['c [1]'])
    expect([...source.conditions.keys()]).toEqual(['PG_REPLICA_IDENTITY'])
  })

  it('succeed when the identity includes a stored generated column: it is published', async (test) => {
    const db = await bench.database(`create table article (id int primary key, title text not null,
        slug text generated always as (lower(title)) stored, views int not null default 0);
      alter table article replica identity full; insert into article (id, title) values (1, 'Hello')`)
    await needsPostgres(db, 18, test)
    await db.play(`create table genkey (a int not null, k int generated always as (a * 10) stored primary key, t text);
      insert into genkey (a) values (1)`)
    const config = db.config({ ...mode('filtered'), 'table.include.list': 'public.article,public.genkey' })
    expect(await check(config)).toEqual([])
    const source = await bench.source(config)
    await source.waitForRecords(2)
    await db.play(`update article set views = 2; delete from article where id = 1; update genkey set t = 'y'`)
    const records = await source.waitForRecords(6)
    expect(story(records)).toEqual(['r [1]', 'r [10]', 'u [1]', 'd [1]', '- [1]', 'u [10]'])
    expect(rowOf(present(records[0], 'the first record'))).toEqual({ id: 1, title: 'Hello', slug: 'hello', views: 0 })
  })

  it('succeed when the identity includes a virtual generated column, which cannot be published: that is rejected', async (test) => {
    const db = await bench.database('create table t (id int primary key)')
    await needsPostgres(db, 18, test)
    await db.play(`create table v (id int primary key, w int generated always as (id * 2) virtual);
      alter table v replica identity full; insert into v values (1)`)
    const [problem] = await check(db.config(mode('filtered')))
    expect(problem?.message).toMatch(
      /^PG_REPLICA_IDENTITY: .*public\.v \(has the generated column w in its replica identity\)\. Run: ALTER TABLE "public"\."v" REPLICA IDENTITY DEFAULT;/,
    )
    await db.play(statement(problem?.message, 'ALTER TABLE'))
    const source = await bench.source(db.config(mode('filtered')))
    await source.waitForRecords(1)
    await db.play('update v set id = 2')
    expect(story(await source.waitForRecords(4)).slice(1)).toEqual(['d [1]', '- [1]', 'c [2]'])
  })

  it('succeed with an existing publication that does not send generated columns: such a table is not added', async (test) => {
    const db = await bench.database('create table t (id int primary key); create publication p for table t')
    await needsPostgres(db, 18, test)
    await db.play('create table g (a int not null, k int generated always as (a * 10) stored primary key)')
    const config = db.config({ ...mode('filtered'), 'table.include.list': 'public.t,public.g' })
    const [problem] = await check(config)
    expect(problem?.message).toContain('public.g (has the generated column k in its replica identity)')
    await db.play(statement(problem?.message, 'ALTER PUBLICATION'))
    expect(await check(config)).toEqual([])
  })
})

describeWith(['postgres'], 'a table that joins the captured ones', () => {
  const bench = sourceBench(() => service('postgres'))
  const tables = `create table a (id int primary key); create table b (id int primary key);
    insert into a values (1); insert into b values (1), (2)`

  it.each(['filtered', 'all_tables'])('is named until all tables are read again (%s)', async (name) => {
    const db = await bench.database(tables)
    const config = (list: string): RawConfig => db.config({ ...mode(name), 'table.include.list': list })
    const first = await bench.source(config('public.a'))
    await first.waitForRecords(1)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    await first.stop()
    for (const restart of [1, 2]) {
      const second = await bench.source(config('public.a,public.b'), first.offsets)
      await second.waitFor('the condition', () => second.conditions.has('PG_UNREAD'))
      expect(second.conditions.get('PG_UNREAD')).toMatch(/^public\.b joined the captured tables after the snapshot: /)
      await second.waitFor('the stream', () => db.isStreaming())
      await db.play(`insert into b values (${2 + restart})`)
      expect(story(await second.waitForRecords(1))).toEqual([`c [${2 + restart}]`])
      await second.stop()
    }
    const third = await bench.source({ ...config('public.a,public.b'), 'snapshot.mode': 'always' }, first.offsets)
    expect(story(await third.waitForRecords(5))).toEqual(['r [1]', 'r [1]', 'r [2]', 'r [3]', 'r [4]'])
    await third.waitFor('the end', () => third.lines.some(({ message }) => message.startsWith('snapshot complete')))
    await third.stop()
    const last = await bench.source(config('public.a,public.b'), first.offsets)
    await last.waitFor('the stream', () => db.isStreaming())
    expect([...last.conditions.keys()]).toEqual([])
  })

  it('is not named when the stream has sent its rows from the first one, or when it has none', async () => {
    const db = await bench.database(tables)
    const first = await bench.source(db.config())
    await first.waitForRecords(3)
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.stop()
    await db.play('create table c (id int primary key); insert into c values (1)')
    const second = await bench.source(db.config(), first.offsets)
    expect(story(await second.waitForRecords(1))).toEqual(['c [1]'])
    expect([...second.conditions.keys()]).toEqual([])
  })

  it('counts as read in a connector without a stored list, such as one of Debezium', async () => {
    const db = await bench.database(tables)
    const first = await bench.source(db.config())
    await first.waitForRecords(3)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.stop()
    first.offsets.others.clear()
    const second = await bench.source(db.config(), first.offsets)
    await second.waitFor('the list of tables', () => second.offsets.others.size > 0)
    await second.waitFor('the stream', () => db.isStreaming())
    expect([...second.conditions.keys()]).toEqual([])
  })
})

describeWith(['postgres'], 'a publication that two connectors create or extend at the same time', () => {
  const bench = sourceBench(() => service('postgres'))
  const list = { ...mode('filtered'), 'table.include.list': 'public.t' }
  const rows = 'create table t (id int primary key); insert into t values (1)'
  // Blocks the connector's statement after the connector has checked, and before Postgres checks.
  const gate = `create function wait_at_gate() returns event_trigger language plpgsql as
      $$ begin perform pg_advisory_lock_shared(1); perform pg_advisory_unlock_shared(1); end $$;
    create event trigger gate on ddl_command_start when tag in ('CREATE PUBLICATION', 'ALTER PUBLICATION')
      execute function wait_at_gate()`

  const waiting = async (db: TestDatabase): Promise<boolean> =>
    (await db.rows(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`))
      .length > 0

  it.each([
    ['is created', mode('all_tables'), '', 'create publication p for all tables'],
    ['is created for the table', list, '', 'create publication p for table t'],
    [
      'gets the table',
      list,
      'create table u (id int); create publication p for table u',
      'alter publication p add table t',
    ],
  ])('is looked at again where it %s before the statement runs', async (_, config, before, faster) => {
    const db = await bench.database(`${rows}; ${before}; ${gate}; select pg_advisory_lock(1)`)
    const source = await bench.source(db.config(config))
    await source.waitFor('the statement to wait', () => waiting(db))
    await db.play(`${faster}; select pg_advisory_unlock(1)`)
    expect(story(await source.waitForRecords(1))).toEqual(['r [1]'])
    expect(source.retried.map(({ message }) => message.split(':')[0])).toEqual(['PG_PUBLICATION_CHANGED'])
  })

  it.each([
    ['is created', mode('all_tables'), '', 'create publication p for all tables'],
    [
      'gets the table',
      list,
      'create table u (id int); create publication p for table u',
      'alter publication p add table t',
    ],
  ])('is looked at again where it %s by a transaction that is open', async (_, config, before, faster) => {
    const db = await bench.database(`${rows}; ${before}`)
    const other = await db.connect()
    bench.onEnd(() => other.end())
    await other.query(`begin; ${faster}`)
    const source = await bench.source(db.config(config))
    await source.waitFor('the statement to wait', () => waiting(db))
    await other.query('commit')
    await db.play('insert into t values (2)')
    const records = await source.waitForRecords(2)
    expect(new Set(records.map((record) => JSON.stringify(record.key)))).toEqual(new Set(['[1]', '[2]']))
    expect(source.retried.map(({ message }) => message.split(':')[0])).toEqual(['PG_PUBLICATION_CHANGED'])
  })
})
