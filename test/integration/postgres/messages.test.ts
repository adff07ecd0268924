import type { RawConfig, SourceRecord } from 'penstock/api'
import { expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { sourceBench } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryOffsets, type SourceTaskHarness } from '../../support/task/source-task-harness.ts'

const emit = (transactional: boolean, prefix: string, text: string): string =>
  `select pg_logical_emit_message(${transactional}, '${prefix}', '${text}'::bytea)`

/** The prefix and the content of a message; `op key` of a row. */
function told(record: SourceRecord): string {
  const value = Array.isArray(record.value) ? record.value : []
  if (record.topic !== 't.message') return `${String(value[4])} ${JSON.stringify(record.key)}`
  const [prefix, content] = value[4] as readonly [string, string | Buffer]
  return `${prefix}: ${String(content)}`
}

describeWith(['postgres'], 'logical messages', () => {
  const bench = sourceBench(() => service('postgres'))
  const stream = { 'snapshot.mode': 'no_data' }

  it.each([
    ['bytes', Buffer.from('a>?')],
    ['base64', 'YT4/'],
    ['base64-url-safe', 'YT4_'],
    ['hex', '613e3f'],
  ])('appear as binary.handling.mode says: %s', async (mode, content) => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ ...stream, 'binary.handling.mode': mode }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(emit(false, 'p', 'a>?'))
    const [record] = await source.waitForRecords(1)
    expect(record).toMatchObject({ topic: 't.message', key: ['p'] })
    expect(record?.value).toMatchObject({ 4: ['p', content] })
  })

  it.each<[Record<string, string>, string[]]>([
    [{}, ['order: 1', 'orders: 2', 'Order: 3', 'c [1]']],
    [{ 'message.prefix.include.list': 'order' }, ['order: 1', 'Order: 3', 'c [1]']],
    [{ 'message.prefix.include.list': 'x,ord.+s' }, ['orders: 2', 'c [1]']],
    [{ 'message.prefix.exclude.list': 'order' }, ['orders: 2', 'c [1]']],
    [{ 'message.prefix.exclude.list': '.*' }, ['c [1]']],
  ])('are chosen by their prefix: %j', async (lists, expected) => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ ...stream, ...lists }))
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`begin; ${emit(true, 'order', '1')}; ${emit(true, 'orders', '2')}; commit`)
    await db.play(`${emit(false, 'Order', '3')}; insert into t values (1)`)
    expect((await source.waitForRecords(expected.length)).map(told)).toEqual(expected)
  })

  it('are selected by one list, not two', async () => {
    const raw = { ...stream, 'message.prefix.include.list': 'a', 'message.prefix.exclude.list': 'b' }
    const db = await bench.database('select 1')
    const config = db.config(raw)
    const problems = await plugin.check?.(parseConfig(plugin.configDef, config), config, AbortSignal.timeout(60_000))
    expect(problems).toEqual([
      { key: 'message.prefix.exclude.list', message: '"message.prefix.include.list" is already specified' },
    ])
  })

  it('outside transactions allow the slot to be confirmed past them', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ ...stream, 'status.update.interval.ms': '600000' }))
    await source.waitFor('the stream', () => db.isStreaming())
    source.hold()
    const [{ at } = { at: '' }] = await db.rows<{ at: string }>(
      `select pg_logical_emit_message(false, 'p', 'x')::text as at`,
    )
    await source.waitForRecords(1)
    const confirmed = async (): Promise<boolean> =>
      (
        await db.rows('select 1 from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn', [
          db.name,
          at,
        ])
      ).length > 0
    expect(await confirmed()).toBe(false)
    await source.acknowledge()
    await source.waitFor('the confirmation', confirmed)
  })

  // Messages share LSNs with the rows beside them; a non-transactional one overtakes the rows of an open transaction.
  it('are written once each, with the rows around them, wherever a source stops', async () => {
    const all = ['in: 1', 'c [1]', 'in: 2', 'c [2]', 'c [3]', 'out: 3', 'c [4]', 'in: 4', 'out: 5', 'lost: 6', 'c [5]']
    const db = await bench.database('create table t (id int primary key)')
    const small = { ...stream, 'max.batch.size': '1', 'max.queue.size': '2' }
    const sources: { readonly first: SourceTaskHarness; readonly config: RawConfig }[] = []
    for (let count = 1; count < all.length; count += 1) {
      const config = db.config({ ...small, 'slot.name': `${db.name}_${count}` })
      const first = await bench.source(config, new MemoryOffsets(), count)
      await first.waitFor(
        'its slot',
        async () =>
          (
            await db.rows(
              'select 1 from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn is not null',
              [`${db.name}_${count}`],
            )
          ).length > 0,
      )
      sources.push({ first, config })
    }
    const other = await db.connect()
    await db.play(
      `begin; ${emit(true, 'in', '1')}; insert into t values (1); ${emit(true, 'in', '2')}; insert into t values (2), (3); commit`,
    )
    await other.query('begin; insert into t values (4)')
    await db.play(emit(false, 'out', '3'))
    await other.query(`${emit(true, 'in', '4')}; commit`)
    await db.play(
      `${emit(false, 'out', '5')}; begin; ${emit(false, 'lost', '6')}; ${emit(true, 'in', 'never')}; rollback; insert into t values (5)`,
    )
    await other.end()
    for (const { first, config } of sources) {
      await first.waitForRecords(Number(config['slot.name']?.split('_').at(-1)))
      await first.stop()
      const second = await bench.source(config, first.offsets)
      await second.waitForRecords(all.length - first.records.length)
      expect([...first.records, ...second.records].map(told)).toEqual(all)
    }
  })
})
