import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Servers } from '../../../src/servers/servers.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { look, opOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import type { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import type { MemoryOffsets, SourceTaskHarness } from '../../support/task/source-task-harness.ts'

const filtered = { 'publication.autocreate.mode': 'filtered' }

/** What a message tells somebody to run: the statements that begin with these words. */
function statement(message: string, start: string): string {
  const from = message.indexOf(start)
  return message.slice(from, message.indexOf(';', from) + 1)
}

describeWith(['postgres'], 'the Postgres source when its slot or its publication goes', () => {
  const bench = sourceBench(() => service('postgres'))

  /** A source that read a row, and whose stream runs. */
  async function running(
    extra: Record<string, string> = {},
    clock?: SkippingClock,
  ): Promise<{ db: TestDatabase; source: SourceTaskHarness; offsets: MemoryOffsets }> {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(db.config({ ...filtered, ...extra }), undefined, undefined, clock)
    await source.waitForRecords(1)
    await source.waitFor('the stream', () => db.isStreaming())
    await source.waitFor('the list of tables', () => source.offsets.others.size > 0)
    return { db, source, offsets: source.offsets }
  }

  /** Follows the advice: everything is read again under the same name, and once more nothing is. */
  async function readAgain(db: TestDatabase, offsets: MemoryOffsets, ids: readonly number[]): Promise<void> {
    const again = await bench.source(db.config({ ...filtered, 'snapshot.mode': 'always' }), offsets)
    expect(story(await again.waitForRecords(ids.length))).toEqual(ids.map((id) => `r [${id}]`))
    await again.stop()
    const on = await bench.source(db.config(filtered), offsets)
    await db.play('insert into t values (100)')
    expect(story(await on.waitForRecords(1))).toEqual(['c [100]'])
  }

  it('says that a publication which was missing while a row was written cannot be had again, and how to go on', async () => {
    const { db, source, offsets } = await running()
    await db.play('drop publication p; insert into t values (2); create publication p for table t')
    await source.failure()
    await source.stop()
    const restarted = await bench.source(db.config(filtered), offsets)
    const { message } = await restarted.failure()
    expect(message).toMatch(
      /^PG_PUBLICATION: publication "p" did not exist when a row was written, .*: creating it again does not help/,
    )
    expect(message).toMatch(
      /set snapshot\.mode to always, and set it back when GET \/connectors\/<name>\/offsets shows another offset/,
    )
    await restarted.stop()
    await db.play(statement(message, 'SELECT pg_drop_replication_slot'))
    await readAgain(db, offsets, [1, 2])
  })

  it('says the same when the publication is still missing', async () => {
    const { db, source, offsets } = await running()
    await db.play('drop publication p; insert into t values (2)')
    expect((await source.failure()).message).toMatch(/^PG_PUBLICATION: /)
    await source.stop()
    const restarted = await bench.source(db.config(filtered), offsets)
    const { message } = await restarted.failure()
    expect(message).toMatch(/^PG_PUBLICATION: replication slot .* set snapshot\.mode to always/)
    await restarted.stop()
    await db.play(statement(message, 'SELECT pg_drop_replication_slot'))
    await readAgain(db, offsets, [1, 2])
  })

  it('begins when the slot that is older than the publication is dropped, as it says', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    const source = await bench.source(db.config())
    const { message } = await source.failure()
    expect(message).not.toContain('snapshot.mode')
    await db.play(statement(message, 'SELECT pg_drop_replication_slot'))
    const second = await bench.source(db.config())
    expect(story(await second.waitForRecords(1))).toEqual(['r [1]'])
  })

  it('reads everything again, as it says, when the slot is gone', async () => {
    const { db, source, offsets } = await running()
    await source.stop()
    await db.rows('select pg_drop_replication_slot($1)', [db.name])
    await db.play('insert into t values (2)')
    const restarted = await bench.source(db.config(filtered), offsets)
    const { message } = await restarted.failure()
    expect(message).toMatch(/^PG_SLOT_MISSING: .*To read all tables again: set snapshot\.mode to always/)
    expect(message).not.toContain('pg_drop_replication_slot')
    await restarted.stop()
    await readAgain(db, offsets, [1, 2])
  })

  it('goes on without what is lost under another name, as it says', async () => {
    const { db, source } = await running()
    await source.stop()
    await db.rows('select pg_drop_replication_slot($1)', [db.name])
    await db.play('insert into t values (2)')
    // Offsets belong to the connector's name: another one has none.
    const other = await bench.source(db.config({ ...filtered, name: 'other', 'snapshot.mode': 'no_data' }))
    await other.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into t values (3)')
    expect(story(await other.waitForRecords(1))).toEqual(['c [3]'])
  })

  it('tells of a publication that was dropped, before a row ends the stream', async () => {
    const clock = new SkippingClock()
    const { db, source } = await running({}, clock)
    await db.play('drop publication p')
    await look(source, clock)
    await source.waitFor('the condition', () => source.conditions.has('PG_PUBLICATION'))
    const message = source.conditions.get('PG_PUBLICATION') ?? ''
    expect(message).toMatch(/publication "p" was dropped\. The next write to database .* breaks the stream permanently/)
    await db.play(statement(message, 'CREATE PUBLICATION'))
    await db.play('insert into t values (2)')
    expect(story(await source.waitForRecords(2))).toEqual(['r [1]', 'c [2]'])
    await look(source, clock)
    await source.waitFor('the end of the condition', () => !source.conditions.has('PG_PUBLICATION'))
    // Others may have stood between the two.
    await source.waitFor('the next condition', () => source.conditions.has('PG_UNREAD'))
    expect(source.conditions.get('PG_UNREAD')).toMatch(/^public\.t left the captured tables /)
  })

  it.each(['filtered', 'disabled'])(
    'tells of a table that was created again and that the publication does not hold (%s)',
    async (mode) => {
      const clock = new SkippingClock()
      const db = await bench.database(`create table t (id int primary key); insert into t values (1);
        create publication p for table t; create table other (id int primary key)`)
      const lists = mode === 'filtered' ? { 'table.include.list': 'public.t' } : {}
      const config = db.config({ 'publication.autocreate.mode': mode, ...lists })
      const source = await bench.source(config, undefined, undefined, clock)
      await source.waitForRecords(1)
      await source.waitFor('the stream', () => db.isStreaming())
      await db.play('drop table t; create table t (id int primary key); insert into t values (2)')
      await look(source, clock)
      await source.waitFor('the condition', () => source.conditions.has('PG_NOT_PUBLISHED'))
      const message = source.conditions.get('PG_NOT_PUBLISHED') ?? ''
      expect(message).toContain('publication "p" does not cover public.t')
      await db.play(statement(message, 'ALTER PUBLICATION'))
      await db.play('insert into t values (3)')
      expect(story(await source.waitForRecords(2))).toEqual(['r [1]', 'c [3]'])
      await look(source, clock)
      await source.waitFor('the end of the condition', () => !source.conditions.has('PG_NOT_PUBLISHED'))
      await source.waitFor('the next condition', () => source.conditions.has('PG_UNREAD'))
      expect(source.conditions.get('PG_UNREAD')).toMatch(/^public\.t joined the captured tables after the snapshot: /)
    },
  )

  it('tells of a captured table that got a name which the filters leave out', async () => {
    const clock = new SkippingClock()
    const { db, source } = await running({ 'table.include.list': 'public.t' }, clock)
    await db.play('alter table t rename to told')
    await look(source, clock)
    await source.waitFor('the condition', () => source.conditions.has('PG_TABLE'))
    expect(source.conditions.get('PG_TABLE')).toMatch(
      /^public\.t was renamed to public\.told, which the filters exclude.* table\.include\.list names "public\.t", but .* no such table/,
    )
    await db.play('alter table told rename to t')
    await look(source, clock)
    await source.waitFor('the end of the condition', () => !source.conditions.has('PG_TABLE'))
    await source.waitFor('the next condition', () => source.conditions.has('PG_UNREAD'))
    expect(source.conditions.get('PG_UNREAD')).toMatch(/^public\.t left the captured tables /)
  })

  it('finds nothing amiss with partitions that are sent as their root', async () => {
    const clock = new SkippingClock()
    const db = await bench.database(`create table t (id int primary key) partition by range (id);
      create table t1 partition of t for values from (0) to (10);
      create publication p for table t with (publish_via_partition_root = true)`)
    const source = await bench.source(
      db.config({ ...filtered, 'publish.via.partition.root': 'true', 'table.include.list': 'public\\.t.*' }),
      undefined,
      undefined,
      clock,
    )
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('create table t2 partition of t for values from (10) to (20); create table tx (id int primary key)')
    await look(source, clock)
    await source.waitFor('the condition', () => source.conditions.has('PG_NOT_PUBLISHED'))
    expect(source.conditions.get('PG_NOT_PUBLISHED')).toContain('does not cover public.tx (')
    expect([...source.conditions.keys()]).toEqual(['PG_NOT_PUBLISHED'])
  })
})

describeWith(['postgres'], 'the Postgres source whose records are not durable', () => {
  const bench = sourceBench(() => service('postgres'))

  it('measures how far it is behind from the oldest change that waits', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await source.waitFor('the stream', () => db.isStreaming())
    source.hold()
    await db.play('insert into t values (2)')
    await source.waitForRecords(2)
    await db.play('insert into t values (3)')
    await source.waitForRecords(3)
    await source.waitFor('a second behind', () => (source.gauges.get('source_behind_seconds') ?? 0) >= 1)
    await source.acknowledge()
    await source.waitFor('nothing to wait for', () => source.gauges.get('source_behind_seconds') === 0)
    expect(source.records.map(opOf)).toEqual(['r', 'c', 'c'])
  })

  it('measures what the slot holds back also while it takes nothing from it', async () => {
    const clock = new SkippingClock()
    const db = await bench.database('create table t (id int primary key, v text); insert into t values (1)')
    const queue = { 'max.batch.size': '1', 'max.queue.size': '2' }
    const source = await bench.source(db.config(queue), undefined, 2, clock)
    await source.waitForRecords(1)
    await source.waitFor('the stream', () => db.isStreaming())
    source.hold()
    const retained = (): number => source.gauges.get('source_wal_retained_bytes') ?? 0
    await db.play(`insert into t select g, repeat(md5(g::text), 30) from generate_series(2, 20000) g`)
    await source.waitForRecords(2)
    await db.play(`insert into t select g, repeat(md5(g::text), 30) from generate_series(20001, 40000) g`)
    clock.skip(30_000)
    await source.waitFor('more than what is read', () => retained() > 40_000 * 900)
  })

  it('keeps what the slot held back while Postgres is away', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const proxy = await FaultProxy.open(db.url.hostname, Number(db.url.port))
    bench.onEnd(() => proxy.close())
    const source = await bench.source(db.config({ 'database.port': String(proxy.port) }))
    await source.waitForRecords(1)
    source.hold()
    await db.play(`insert into t values (2)`)
    await source.waitForRecords(2)
    const retained = (): number => source.gauges.get('source_wal_retained_bytes') ?? 0
    await source.waitFor('log that is held back', () => retained() > 0)
    proxy.refuse()
    proxy.cut()
    await source.waitFor('some attempts', () => source.retried.length >= 3)
    const since = source.retried.length
    // Three attempts a second or more: the gauges were set meanwhile.
    await source.waitFor('more attempts', () => source.retried.length >= since + 25)
    expect(retained()).toBeGreaterThan(0)
  })
})

describe('the Postgres source whose slot is lost', () => {
  const servers = Servers.open()
  const bench = sourceBench(() => address)
  let address = ''
  beforeAll(async () => {
    address = (await servers.get('postgres', { settings: { max_slot_wal_keep_size: '1MB' } })).address
  })
  afterAll(() => servers.close())

  it('says that the server removed log, and reads everything again as it says', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await source.waitFor('the stream', () => db.isStreaming())
    await source.stop()
    for (const id of [2, 3, 4, 5]) await db.play(`insert into t values (${id}); select pg_switch_wal()`)
    await db.play('checkpoint')
    const restarted = await bench.source(db.config(), source.offsets)
    const { message } = await restarted.failure()
    expect(message).toMatch(
      /^PG_SLOT_LOST: .*\(max_slot_wal_keep_size\)\. To read all tables again: run SELECT pg_drop/,
    )
    await restarted.stop()
    await db.play(statement(message, 'SELECT pg_drop_replication_slot'))
    const again = await bench.source(db.config({ 'snapshot.mode': 'always' }), source.offsets)
    expect(story(await again.waitForRecords(5))).toEqual([1, 2, 3, 4, 5].map((id) => `r [${id}]`))
  })
})

describe('the watchdog of the Postgres source', () => {
  describeWith(['postgres'], 'on a line that swallows what is sent', () => {
    const bench = sourceBench(() => service('postgres'))

    it('gives the connection up after a minute without a byte, and goes on over another', async () => {
      const clock = new SkippingClock()
      const db = await bench.database('create table t (id int primary key); insert into t values (1)')
      const proxy = await FaultProxy.open(db.url.hostname, Number(db.url.port))
      bench.onEnd(() => proxy.close())
      const config = db.config({ 'database.port': String(proxy.port) })
      const source = await bench.source(config, undefined, undefined, clock)
      await source.waitForRecords(1)
      // The server streams from before the snapshot on; only what is read now has the watchdog.
      const flows = (): boolean => source.lines.some(({ message }) => message.startsWith('streaming from'))
      await source.waitFor('the stream to be read', flows)
      proxy.stall()
      const silences = (): number[] =>
        source.lines
          .flatMap(({ message }) => /^Postgres has sent nothing for (\d+) s$/.exec(message)?.[1] ?? [])
          .map(Number)
      clock.skip(50_000)
      expect(silences()).toEqual([])
      // What was under way when the line went quiet may still be read, and counts as an answer.
      await source.waitFor('the end of the connection', () => {
        if (silences().length === 0) clock.skip(10_000)
        return source.retried.length > 0
      })
      expect(source.retried[0]?.message).toBe('PG_CONNECTION_LOST: the server has sent nothing for a minute')
      expect(silences()[0]).toBeGreaterThanOrEqual(60)
      await db.play('insert into t values (2)')
      proxy.cut()
      proxy.flow()
      await source.waitForRecords(2)
      expect(story(source.records)).toEqual(['r [1]', 'c [2]'])
    })
  })
})
