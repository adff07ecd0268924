import { ConnectError, RetriableError, type SourceOffset } from 'penstock/api'
import { from as copyFrom } from 'pg-copy-streams'
import { expect, it } from 'vitest'
import { parseLsn } from '../../../connectors/postgres-source/offsets/lsn.ts'
import { MovingPostgres } from '../../support/postgres/moving-postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres.ts'
import { opOf, rowOf, sourceBench, sourceOf, story, versionOf } from '../../support/postgres/postgres-source.ts'
import { reachableBytes } from '../../support/task/reachable-bytes.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryOffsets } from '../../support/task/source-task-harness.ts'

describeWith(['postgres'], 'the stream of the Postgres source', () => {
  const bench = sourceBench(() => service('postgres'))

  it('reads the tables, then streams their changes', async () => {
    const db = await bench.database(
      `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b')`,
    )
    const source = await bench.source(db.config())
    await source.waitForRecords(2)
    await db.play(`insert into t values (3, 'c'); update t set v = 'B' where id = 2; delete from t where id = 1`)
    expect(story(await source.waitForRecords(6))).toEqual(['r [1]', 'r [2]', 'c [3]', 'u [2]', 'd [1]', '- [1]'])
  })

  it('confirms the end of a transaction only once its records and their offset are durable (I1, I2)', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ 'snapshot.mode': 'no_data', 'status.update.interval.ms': '50' }))
    await source.waitFor('the stream', () => db.isStreaming())
    source.hold()
    await db.play('insert into t values (1); insert into t values (2)')
    await source.waitForRecords(2)
    const [{ end } = { end: '' }] = await db.rows<{ end: string }>('select pg_current_wal_lsn()::text as end')
    const confirmed = async (): Promise<boolean> => {
      const [row] = await db.rows<{ done: boolean }>(
        `select confirmed_flush_lsn >= $1::pg_lsn as done from pg_replication_slots where slot_name = $2`,
        [end, db.name],
      )
      return row?.done === true
    }
    const replies = async (): Promise<string> => {
      const [row] = await db.rows<{ reply: string }>(
        `select max(reply_time)::text as reply from pg_stat_replication r join pg_replication_slots s
         on s.active_pid = r.pid where s.slot_name = $1`,
        [db.name],
      )
      return row?.reply ?? ''
    }
    const first = await replies()
    await source.waitFor('two more status updates', async () => (await replies()) > first)
    expect(await confirmed()).toBe(false)
    await source.acknowledge()
    await source.waitFor('the confirmation', confirmed)
    expect(source.offsets.last).toMatchObject({ messageType: 'COMMIT', txId: expect.any(Number) })
  })

  it('advances the slot when the WAL holds nothing for it, and stores the offset first (I2)', async () => {
    const db = await bench.database(
      'create table t (id int primary key); create table other (id serial primary key, v text)',
    )
    const config = db.config({
      'snapshot.mode': 'no_data',
      'status.update.interval.ms': '50',
      'table.include.list': 'public.t',
    })
    const source = await bench.source(config)
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into other (v) select repeat('x', 100) from generate_series(1, 1000)`)
    const [{ end } = { end: '' }] = await db.rows<{ end: string }>('select pg_current_wal_lsn()::text as end')
    await source.waitFor('the slot to pass the foreign rows', async () => {
      const [row] = await db.rows<{ done: boolean }>(
        'select confirmed_flush_lsn >= $1::pg_lsn as done from pg_replication_slots where slot_name = $2',
        [end, db.name],
      )
      return row?.done === true
    })
    expect(source.records).toEqual([])
    await source.stop()
    const again = await bench.source(config, source.offsets)
    await db.play('insert into t values (1)')
    expect(story(await again.waitForRecords(1))).toEqual(['c [1]'])
  })

  it.each([
    ['single rows', 'insert into t select g, g from generate_series(1, 40) g'],
    ['rows that share log positions', 'COPY'],
  ])('continues in the middle of a transaction: %s', async (_what, statement) => {
    const db = await bench.database('create table t (id int primary key, v int)')
    const config = db.config({ 'max.batch.size': '7', 'max.queue.size': '8' })
    const first = await bench.source(config, new MemoryOffsets(), 14)
    await first.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into t values (0, 0)')
    await first.waitForRecords(1)
    if (statement === 'COPY') await copyRows(db, 1, 40)
    else await db.play(statement)
    await first.waitForRecords(14)
    await first.stop()
    const before = first.records.length
    const second = await bench.source(config, first.offsets)
    await second.waitForRecords(41 - before)
    const keys = [...first.records, ...second.records].map((record) => JSON.stringify(record.key))
    expect(keys).toEqual(Array.from({ length: 41 }, (_, i) => `[${i}]`))
    const versions = [...first.records, ...second.records].map(versionOf)
    expect(versions).toEqual(versions.toSorted((a, b) => Number(a - b)))
    expect(new Set(versions).size).toBe(41)
  })

  it('stores no offset that Debezium takes for that of more rows than were sent', async () => {
    const db = await bench.database('create table t (id int primary key, v int)')
    const source = await bench.source(db.config())
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into t values (0, 0)')
    await copyRows(db, 1, 400)
    await db.play('begin; insert into t values (401, 0); update t set v = -1 where id < 3; commit')
    const records = await source.waitForRecords(405)
    const lsns = records.map((record) => Number(sourceOf(record, 'lsn')))
    expect(new Set(lsns).size).toBeLessThan(20)
    // For Debezium 3.2, all rows up to the LSN of the offset were sent, in whatever transaction.
    for (const [i, { sourceOffset }] of records.entries())
      expect(lsns.slice(i + 1).filter((lsn) => lsn <= Number(sourceOffset['lsn']))).toEqual([])
    // It repeats no more rows than those that share an LSN.
    for (const [i, { sourceOffset }] of records.entries())
      expect(new Set(lsns.slice(0, i + 1).filter((lsn) => lsn > Number(sourceOffset['lsn']))).size).toBeLessThan(2)
  })

  it('repeats the transaction for Debezium when it stops between the rows at the LSN of an offset of Debezium', async () => {
    const db = await bench.database('create table t (id int primary key, v int)')
    const config = db.config({ 'max.batch.size': '7', 'max.queue.size': '8' })
    const first = await bench.source(config, new MemoryOffsets(), 1)
    await first.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into t values (0, 0)')
    await first.waitFor('the end of the transaction', () => first.offsets.last?.['messageType'] === 'COMMIT')
    await first.stop()
    const commit = first.offsets.last?.['lsn_commit'] ?? null
    await copyRows(db, 1, 40)
    const probe = await bench.source(config, first.offsets, 1)
    const [row] = await probe.waitForRecords(1)
    await probe.stop()
    if (row === undefined) throw new TypeError('there is no row')
    const [lsn, txId, micros] = ['lsn', 'txId', 'ts_us'].map((name) => Number(sourceOf(row, name)))
    // Debezium 3.2 does not say how many rows at this LSN it has sent.
    const given = { lsn_proc: lsn, messageType: 'INSERT', lsn_commit: commit, lsn, txId, ts_usec: micros }
    const offsets = new MemoryOffsets()
    offsets.written.push(JSON.parse(JSON.stringify(given)) as SourceOffset)
    const second = await bench.source(config, offsets, 14)
    await second.waitForRecords(14)
    await second.stop()
    expect(offsets.last).toMatchObject({ messageType: 'COMMIT', lsn_commit: commit })
    const third = await bench.source(config, offsets)
    await third.waitForRecords(39 - second.records.length)
    const keys = [...second.records, ...third.records].map((record) => JSON.stringify(record.key))
    expect(keys).toEqual(Array.from({ length: 39 }, (_, i) => `[${i + 2}]`))
  })

  const lastChanges: readonly (readonly [string, Record<string, string>, string, readonly string[]])[] = [
    ['a deletion', {}, 'delete from t where id = 1', ['d [1]', '- [1]']],
    ['no deletion without a tombstone', { 'tombstones.on.delete': 'false' }, 'delete from t where id = 1', []],
    ['no deletion that is skipped', { 'skipped.operations': 'd' }, 'delete from t where id = 1', []],
    ['a change of the key', {}, 'update t set id = 4 where id = 1', ['d [1]', '- [1]', 'c [4]']],
    ['no creation by itself', { 'skipped.operations': 'd' }, 'update t set id = 4 where id = 1', []],
    ['no update', {}, 'update t set v = 1 where id = 1', []],
    ['a truncation of two tables', { 'skipped.operations': 'none' }, 'truncate t, u', ['t null', 't null']],
    ['no truncation of one', { 'skipped.operations': 'none' }, 'truncate t', []],
  ]
  it.each(lastChanges)('repeats %s where an offset of Debezium ends', async (_what, settings, sql, of) => {
    const db = await bench.database(
      'create table t (id int primary key, v int); create table u (id int primary key); insert into t values (1, 0)',
    )
    // With all records: of a change that is skipped, Debezium stores no offset.
    const probe = await bench.source(db.config({ 'skipped.operations': 'none' }))
    await probe.waitForRecords(1)
    await db.play('insert into t values (2, 0)')
    await probe.waitFor('the end of the transaction', () => probe.offsets.last?.['messageType'] === 'COMMIT')
    const commit = probe.offsets.last?.['lsn_commit'] ?? null
    probe.hold()
    await db.play(`begin; insert into t values (3, 0); ${sql}; insert into t values (5, 0); commit`)
    await probe.waitFor('the last row', () => story(probe.records).at(-1) === 'c [5]')
    const records = [...probe.records]
    await probe.stop()
    const at = records.findLast((record) => record.value !== null && story([record])[0] !== 'c [5]')
    if (at === undefined) throw new TypeError('there is no row')
    const [lsn, txId, micros] = ['lsn', 'txId', 'ts_us'].map((name) => Number(sourceOf(at, name)))
    const given = { lsn_proc: lsn, messageType: 'UPDATE', lsn_commit: commit, lsn, txId, ts_usec: micros }
    const offsets = new MemoryOffsets()
    offsets.written.push(JSON.parse(JSON.stringify(given)) as SourceOffset)
    const second = await bench.source(db.config(settings), offsets)
    const seen = story(await second.waitForRecords(of.length + 1))
    expect(seen).toEqual([...of, 'c [5]'])
  })

  const changesOfRecords: readonly (readonly [string, string, readonly string[]])[] = [
    ['a deletion', 'delete from t where id = 1', ['d [1]', '- [1]']],
    ['a change of the key', 'update t set id = 4 where id = 1', ['d [1]', '- [1]', 'c [4]']],
  ]
  it.each(changesOfRecords)('polls the records of %s at once: a stop repeats none', async (_what, sql, of) => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1), (2)')
    const config = db.config({ 'max.batch.size': '1', 'max.queue.size': '2' })
    const first = await bench.source(config, new MemoryOffsets(), 4)
    await first.waitForRecords(2)
    await db.play(`begin; insert into t values (3); ${sql}; commit`)
    expect(story(await first.waitForRecords(4)).slice(2)).toEqual(['c [3]', ...of])
    await first.stop()
    await db.play('insert into t values (5)')
    const second = await bench.source(config, first.offsets)
    expect(story(await second.waitForRecords(1))).toEqual(['c [5]'])
  })

  it.each(changesOfRecords)(
    'sends all records of %s again when the last one was not stored',
    async (_what, sql, of) => {
      const db = await bench.database('create table t (id int primary key); insert into t values (1), (2)')
      const first = await bench.source(db.config())
      await first.waitForRecords(2)
      await first.waitFor('the stream', () => db.isStreaming())
      first.hold()
      await db.play(`begin; insert into t values (3); ${sql}; commit`)
      const records = await first.waitForRecords(3 + of.length)
      await first.stop()
      const offset = records.at(-2)?.sourceOffset
      if (offset !== undefined) first.offsets.written.push(offset)
      const second = await bench.source(db.config(), first.offsets)
      expect(story(await second.waitForRecords(of.length))).toEqual(of)
    },
  )

  it('accepts transactions that the server applied from another one, with old times', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const config = db.config({ 'publication.autocreate.mode': 'all_tables' })
    const first = await bench.source(config)
    await first.waitFor('the stream', () => db.isStreaming())
    first.hold()
    const applied = (id: number): string => `begin;
      select pg_replication_origin_xact_setup('0/${id}', now() - interval '1 hour'); insert into t values (${id}); commit;`
    await db.play(`insert into t values (1); select pg_replication_origin_create(current_database());
      select pg_replication_origin_session_setup(current_database()); ${applied(2)}`)
    const [, last] = await first.waitForRecords(2)
    await first.stop()
    // Killed when the offset was stored and the slot was not confirmed.
    if (last !== undefined) first.offsets.written.push(last.sourceOffset)
    const second = await bench.source(config, first.offsets)
    await db.play(`${applied(3)} select pg_replication_origin_session_reset();
      select pg_replication_origin_drop(current_database())`)
    expect(story(await second.waitForRecords(1))).toEqual(['c [3]'])
  })

  it('gives the rows of a transaction that was open when the slot was created no lower version than the snapshot (I12)', async () => {
    // A slot waits for the transactions of the whole server, so it needs one that no other test writes to.
    const servers = new MovingPostgres()
    bench.onEnd(() => servers.close())
    const { address } = await servers.start('primary')
    const db = await bench.database(
      `create table t (id int primary key, v text); insert into t values (1, 'old')`,
      address,
    )
    const open = async (statement: string): Promise<{ xid: string; commit: () => Promise<void> }> => {
      const client = await db.connect()
      await client.query('begin')
      const { rows } = await client.query<{ xid: string }>('select txid_current()::text as xid')
      await client.query(statement)
      const commit = async (): Promise<void> => {
        await client.query('commit')
        await client.end()
      }
      return { xid: rows[0]?.xid ?? '', commit }
    }
    const slotWaitsFor = async (xid: string): Promise<boolean> => {
      const waits = await db.rows(
        `select 1 from pg_locks l join pg_stat_activity a on a.pid = l.pid where a.backend_type = 'walsender'
         and l.locktype = 'transactionid' and not l.granted and l.transactionid::text = $1`,
        [xid],
      )
      return waits.length > 0
    }
    // Creating a slot waits for the open transactions, then for those that started meanwhile. One that starts in
    // the second wait is open at the slot's consistent point: its change lies before that point, its commit after it.
    const first = await open('select 1')
    const source = await bench.source(db.config())
    await source.waitFor('the slot to wait', () => slotWaitsFor(first.xid))
    const second = await open('select 1')
    await first.commit()
    await source.waitFor('the slot to wait again', () => slotWaitsFor(second.xid))
    const third = await open(`update t set v = 'early' where id = 1`)
    await second.commit()
    await source.waitForRecords(1)
    await third.commit()
    const [snapshot, update] = await source.waitForRecords(2)
    if (snapshot === undefined || update === undefined) throw new TypeError('two records were waited for')
    expect([rowOf(snapshot)?.['v'], rowOf(update)?.['v']]).toEqual(['old', 'early'])
    expect(Number(sourceOf(update, 'lsn'))).toBeLessThan(Number(sourceOf(snapshot, 'lsn')))
    // On a server without other writes the commit may be at the consistent point itself.
    expect(versionOf(update)).toBeGreaterThanOrEqual(versionOf(snapshot))
  })

  it.each(['initial', 'no_data'])(
    'stores no offset before its start while the server reads older WAL again, with snapshot.mode %s',
    async (mode) => {
      const servers = new MovingPostgres()
      bench.onEnd(() => servers.close())
      const { address } = await servers.start('primary')
      const db = await bench.database('create table t (id int primary key); insert into t values (1)', address)
      const open = await db.connect()
      await open.query('begin; create table other (id int)')
      // Each status update makes the server report where it reads, and each report may be stored.
      const config = db.config({ 'snapshot.mode': mode, 'status.update.interval.ms': '10' })
      const first = await bench.source(config)
      await first.waitFor('the slot to wait', async () => {
        const waits = await db.rows(
          `select 1 from pg_stat_activity where backend_type = 'walsender' and wait_event_type = 'Lock'`,
        )
        return waits.length > 0
      })
      // The slot begins where this transaction ends. The server reads the WAL from where it began.
      await open.query('insert into other select g from generate_series(1, 1500000) g')
      await open.query('commit')
      await open.end()
      const sent = async (): Promise<boolean> => {
        const rows = await db.rows(
          `select 1 from pg_stat_replication where state = 'streaming' and sent_lsn >= pg_current_wal_flush_lsn()`,
        )
        return rows.length > 0
      }
      await first.waitFor('the server to have read all', sent)
      await db.play('insert into t values (2)')
      await first.waitFor('the row', () => story(first.records).includes('c [2]'))
      const created = first.lines.flatMap(({ message }) => /created at (\S+)/.exec(message)?.[1] ?? [])
      const lsns = [...created.map(parseLsn), ...first.offsets.written.map(({ lsn }) => Number(lsn))]
      expect(created).toHaveLength(1)
      expect(lsns).toEqual(lsns.toSorted((a, b) => a - b))
      await first.stop()
      const second = await bench.source(config, first.offsets)
      await db.play('insert into t values (3)')
      expect(story(await second.waitForRecords(1))).toEqual(['c [3]'])
    },
  )

  it('gives the changes of a long transaction versions that never decrease, and counts those that share one (I12)', async () => {
    const db = await bench.database('create table t (id int primary key, v int); insert into t values (1, 0)')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await db.play(
      `do $$ begin for i in 1..1030 loop update t set v = i where id = 1; end loop; end $$; update t set v = -1 where id = 1`,
    )
    const [, ...changes] = await source.waitForRecords(1 + 1030 + 1)
    const versions = changes.map(versionOf)
    expect(versions).toEqual(versions.toSorted((a, b) => (a < b ? -1 : Number(a > b))))
    expect(new Set(versions.slice(0, 1024)).size).toBe(1024)
    expect(new Set(versions.slice(1023, 1030)).size).toBe(1)
    expect(versions[1030]).toBeGreaterThan(versions[1029] ?? 0n)
    await source.waitFor('the count', () => source.counters.get('source_shared_versions_total') === 6)
  })

  it('waits while its topics cannot be read, and reports by name when it is not allowed to read them', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const offsets = new MemoryOffsets()
    offsets.unreadable = new RetriableError('the brokers are away')
    const source = await bench.source(db.config(), offsets)
    await source.waitFor('some attempts', () => source.retried.length >= 2)
    expect(source.records).toEqual([])
    offsets.unreadable = new ConnectError('Allow the worker to read.', { code: 'TOPIC_READ_DENIED' })
    await source.waitForRecords(1)
    expect(source.conditions.get('PG_VERSIONS_UNREAD')).toMatch(/topics may not be read.*Allow the worker to read/)
    await source.stop()
    offsets.unreadable = null
    const again = await bench.source(db.config({ 'snapshot.mode': 'always' }), offsets)
    await again.waitForRecords(1)
    expect(again.conditions.has('PG_VERSIONS_UNREAD')).toBe(false)
  })

  it('writes heartbeats that carry its position', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ 'heartbeat.interval.ms': '50' }))
    await source.waitForRecords(2)
    expect(source.offsets.written[0]).toMatchObject({ snapshot_completed: true })
    await db.play('insert into t values (1)')
    await source.waitFor('a heartbeat behind the row', () => {
      const row = source.records.findIndex((record) => record.topic === 't.public.t')
      return row >= 0 && row + 1 < source.records.length
    })
    const beat = source.records.find((record) => record.topic === '__debezium-heartbeat.t')
    expect(beat).toMatchObject({ partition: 0, key: ['t'], value: [expect.any(Number)], headers: [] })
    await source.waitFor('the offset of the commit', () => source.offsets.last?.['messageType'] === 'COMMIT')
  })

  it('carries TRUNCATE when it is not skipped', async () => {
    const db = await bench.database('create table a (id int primary key); create table b (id int primary key)')
    const source = await bench.source(db.config({ 'skipped.operations': 'none', 'snapshot.mode': 'no_data' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('truncate a, b; insert into a values (1)')
    const records = await source.waitForRecords(3)
    expect(records.map((record) => `${opOf(record)} ${record.topic}`)).toEqual([
      't t.public.a',
      't t.public.b',
      'c t.public.a',
    ])
    expect(records[0]?.keySchema).toBeNull()
  })

  it('excludes the operations of skipped.operations, on the server too', async () => {
    const db = await bench.database('create table t (id int primary key, v int)')
    const source = await bench.source(db.config({ 'skipped.operations': 'd,t', 'snapshot.mode': 'no_data' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play('insert into t values (1, 1); delete from t; insert into t values (2, 1); update t set v = 2')
    expect(story(await source.waitForRecords(3))).toEqual(['c [1]', 'c [2]', 'u [2]'])
    expect(await db.rows('select pubupdate, pubdelete, pubtruncate from pg_publication')).toEqual([
      { pubupdate: true, pubdelete: false, pubtruncate: false },
    ])
  })

  it.each([
    ['u', ['c [1]', 'd [1]', '- [1]', 'c [2]', 'd [2]', '- [2]', 'c [9]']],
    ['c', ['u [1]', 'd [1]', '- [1]', 'd [2]', '- [2]']],
    ['d', ['c [1]', 'u [1]', 'c [2]', 'c [9]']],
    ['c,d', ['u [1]']],
    ['u,c,d', []],
  ])('takes a change of the key for a deletion and a creation where %s are left out', async (skipped, expected) => {
    const db = await bench.database('create table t (id int primary key, v int)')
    const operations = { 'skipped.operations': skipped, 'table.include.list': 'public.t' }
    const source = await bench.source(db.config({ ...operations, 'snapshot.mode': 'no_data', 'max.batch.size': '1' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(
      `insert into t values (1, 1); update t set v = 2; update t set id = 2; delete from t; insert into t values (9, 9);
       select pg_logical_emit_message(false, 'end', '')`,
    )
    await source.waitFor('the end', () => source.records.some(({ topic }) => topic === 't.message'))
    expect(story(source.records.filter(({ topic }) => topic !== 't.message'))).toEqual(expected)
    // Everything is captured: nothing arrives again.
    await source.stop()
    const again = await bench.source(db.config(operations), source.offsets)
    await db.play(`select pg_logical_emit_message(false, 'again', '')`)
    expect((await again.waitForRecords(1)).map(({ key }) => key)).toEqual([['again']])
  })

  it('excludes columns from values and keeps them in keys', async () => {
    const db = await bench.database(
      `create table t (id int primary key, secret text, v text); insert into t values (1, 's', 'v')`,
    )
    const source = await bench.source(db.config({ 'column.exclude.list': 'public\\.t\\.(id|secret)' }))
    const [record] = await source.waitForRecords(1)
    expect(record?.key).toEqual([1])
    expect(record === undefined ? null : rowOf(record)).toEqual({ v: 'v' })
  })

  it('lists the columns whose unchanged value has no placeholder', async () => {
    const db = await bench.database(
      `create table t (id int primary key, v numeric[], n int); alter table t alter v set storage external`,
    )
    const source = await bench.source(db.config())
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t select 1, array_agg(g), 1 from generate_series(1, 3000) g; update t set n = 2`)
    const [, update] = await source.waitForRecords(2)
    expect(update?.headers.find((header) => header.key === '__penstock.unchanged')?.value).toBe('v')
  })

  it('streams a transaction of a million rows in bounded memory (I10)', async () => {
    const db = await bench.database('create table t (id int primary key, v text)')
    const source = await bench.source(db.config({ 'snapshot.mode': 'no_data' }))
    await source.waitFor('the stream', () => db.isStreaming())
    source.keepNothing()
    await db.play(`insert into t select g, repeat('x', 100) from generate_series(1, 1000000) g`)
    const before = reachableBytes()
    const held: number[] = []
    await source.waitFor(
      'a million rows',
      () => {
        if (source.count >= (held.length + 1) * 100_000) held.push(reachableBytes() - before)
        return source.count >= 1_000_000
      },
      600_000,
    )
    // The rows are 150 MB on the wire, and far more as objects.
    expect(Math.max(...held)).toBeLessThan(20e6)
    expect(held.length).toBeGreaterThan(2)
    expect(source.count).toBe(1_000_000)
  })
})

/** An INSERT … SELECT writes a WAL record for each row; COPY writes one for many. */
async function copyRows(db: TestDatabase, first: number, last: number): Promise<void> {
  const client = await db.connect()
  const stream = client.query(copyFrom('copy t from stdin'))
  for (let i = first; i <= last; i += 1) stream.write(`${i}\t${i}\n`)
  await new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject).end())
  await client.end()
}
