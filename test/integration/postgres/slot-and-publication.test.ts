import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Servers } from '../../../src/servers/servers.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { look, opOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import type { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import type { MemoryOffsets, SourceTaskHarness } from '../../support/task/source-task-harness.ts'

const filtered = { 'publication.autocreate.mode': 'filtered' }

/** The statement in a message that starts with these words. */
function statement(message: string, start: string): string {
  const from = message.indexOf(start)
  return message.slice(from, message.indexOf(';', from) + 1)
}

describeWith(['postgres'], 'the Postgres source without its slot or its publication', () => {
  const bench = sourceBench(() => service('postgres'))

  /** A source that has read a row and is streaming. */
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

  /** Follows the advice: all tables are read again under the same name, and then nothing is. */
  async function readAgain(db: TestDatabase, offsets: MemoryOffsets, ids: readonly number[]): Promise<void> {
    const again = await bench.source(db.config({ ...filtered, 'snapshot.mode': 'always' }), offsets)
    expect(story(await again.waitForRecords(ids.length))).toEqual(ids.map((id) => `r [${id}]`))
    await again.stop()
    const on = await bench.source(db.config(filtered), offsets)
    await db.play('insert into t values (100)')
    expect(story(await on.waitForRecords(1))).toEqual(['c [100]'])
  }

  it('reports that a publication which was missing while a row was written cannot be restored, and how to continue', async () => {
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

  it('reports the same when the publication is still missing', async () => {
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

  it('starts when the slot that is older than the publication is dropped, as advised', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    const source = await bench.source(db.config())
    const { message } = await source.failure()
    expect(message).not.toContain('snapshot.mode')
    await db.play(statement(message, 'SELECT pg_drop_replication_slot'))
    const second = await bench.source(db.config())
    expect(story(await second.waitForRecords(1))).toEqual(['r [1]'])
  })

  it('reads all tables again, as advised, when the slot does not exist', async () => {
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

  it('continues under another name without what is lost, as advised', async () => {
    const { db, source } = await running()
    await source.stop()
    await db.rows('select pg_drop_replication_slot($1)', [db.name])
    await db.play('insert into t values (2)')
    // Offsets belong to the connector's name: a connector of another name has none.
    const other = await bench.source(db.config({ ...filtered, name: 'other', 'snapshot.mode': 'no_data' }))
    await other.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into t values (3)')
    expect(story(await other.waitForRecords(1))).toEqual(['c [3]'])
  })

  it('reports a dropped publication before a row ends the stream', async () => {
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
    // Another publication may have existed in between.
    await source.waitFor('the next condition', () => source.conditions.has('PG_UNREAD'))
    expect(source.conditions.get('PG_UNREAD')).toMatch(/^public\.t left the captured tables /)
  })

  it.each(['filtered', 'disabled'])(
    'reports a table that was created again and that the publication does not cover (%s)',
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

  it('reports a captured table that got a name which the filters exclude', async () => {
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

  it('reports nothing for partitions that are sent as their root', async () => {
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

  it('measures its lag from the oldest change that waits', async () => {
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

  it('measures the WAL that the slot retains also while it reads nothing', async () => {
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

  it('shows how far its snapshot is, of the rows that Postgres expects', async () => {
    const db = await bench.database(`create table t (id int primary key, v text);
      insert into t select g, repeat('x', 2000) from generate_series(1, 3000) g; analyze t`)
    const source = await bench.source(db.config({ 'max.batch.size': '1', 'max.queue.size': '2' }), undefined, 2)
    await source.waitFor('an estimate', () => source.gauges.get('source_snapshot_expected_rows') === 3000)
    expect(source.gauges.get('source_snapshot_rows')).toBeLessThan(3000)
    source.goOn()
    await source.waitForRecords(3000)
    await source.waitFor('the end of the snapshot', () => !source.gauges.has('source_snapshot_rows'))
    expect(source.gauges.has('source_snapshot_expected_rows')).toBe(false)
    expect(source.gauges.has('source_wal_budget_bytes')).toBe(false)
  })

  it('keeps the last value of the retained WAL while Postgres is unreachable', async () => {
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
    // Three attempts take a second or more: the gauges were set meanwhile.
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

  it('reports that the server removed WAL, and reads all tables again as advised', async () => {
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
  describeWith(['postgres'], 'on a connection that drops what is sent', () => {
    const bench = sourceBench(() => service('postgres'))

    it('closes the connection after a minute without a byte, and continues over another', async () => {
      const clock = new SkippingClock()
      const db = await bench.database('create table t (id int primary key); insert into t values (1)')
      const proxy = await FaultProxy.open(db.url.hostname, Number(db.url.port))
      bench.onEnd(() => proxy.close())
      const config = db.config({ 'database.port': String(proxy.port) })
      const source = await bench.source(config, undefined, undefined, clock)
      await source.waitForRecords(1)
      // The server streams from before the snapshot; the watchdog only covers what is read now.
      const flows = (): boolean => source.lines.some(({ message }) => message.startsWith('streaming from'))
      await source.waitFor('the stream to be read', flows)
      proxy.stall()
      const silences = (): number[] =>
        source.lines
          .flatMap(({ message }) => /^Postgres has sent nothing for (\d+) s$/.exec(message)?.[1] ?? [])
          .map(Number)
      clock.skip(50_000)
      expect(silences()).toEqual([])
      // Bytes in flight when the connection went silent may still be read, and count as a response.
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
