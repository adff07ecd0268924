import type { SourceOffset, SourceRecord } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Server } from '../../../src/servers/process/server.ts'
import { caughtUp, configOn, growWal, play, MovingPostgres, promote } from '../../support/postgres/moving-postgres.ts'
import { rowOf, sourceBench, story, versionOf } from '../../support/postgres/postgres-source.ts'
import { MemoryOffsets } from '../../support/task/source-task-harness.ts'

const always = { 'snapshot.mode': 'always' }
const table = 'create table item (id int primary key, v text)'
const deadlineMs = 120_000
const firstEpoch = 2n ** 53n

function highest(records: readonly SourceRecord[]): bigint {
  return records.map(versionOf).reduce((a, b) => (a > b ? a : b), 0n)
}

function lowest(records: readonly SourceRecord[]): bigint {
  return records.map(versionOf).reduce((a, b) => (a < b ? a : b))
}

function epoch(record: SourceRecord | undefined): number {
  return record === undefined ? -1 : Number(versionOf(record) / firstEpoch)
}

/** The state of a connector that lost its offsets and kept its topics. */
function onlyTopics(from: MemoryOffsets): MemoryOffsets {
  const left = new MemoryOffsets()
  for (const [place, value] of from.greatest) left.greatest.set(place, value)
  return left
}

describe('the Postgres source on another server', { timeout: 300_000 }, () => {
  const bench = sourceBench(() => '')
  let lines: MovingPostgres

  beforeEach(() => {
    lines = new MovingPostgres()
  })
  afterEach(() => lines.close())

  /** Reads the existing rows and one change, and stops with everything stored. */
  async function read(server: Server, rows: number, offsets = new MemoryOffsets()): Promise<readonly SourceRecord[]> {
    const source = await bench.source(configOn(server), offsets)
    await source.waitForRecords(rows, deadlineMs)
    await play(server, `update item set v = v || '+' where id = 1`)
    const records = await source.waitForRecords(rows + 1, deadlineMs)
    await source.stop()
    return records
  }

  async function failure(server: Server, offsets: MemoryOffsets): Promise<string> {
    const source = await bench.source(configOn(server), offsets)
    const { message } = await source.failure(deadlineMs)
    await source.stop()
    return message
  }

  /** Follows the advice, then streams without it. All versions must be higher than `above`. */
  async function readAgain(
    server: Server,
    offsets: MemoryOffsets,
    ids: readonly number[],
    above: bigint,
  ): Promise<void> {
    const again = await bench.source(configOn(server, always), offsets)
    const reads = (await again.waitForRecords(ids.length, deadlineMs)).slice(0, ids.length)
    expect(story(reads)).toEqual(ids.map((id) => `r [${id}]`))
    expect(lowest(reads)).toBeGreaterThan(above)
    await again.stop()
    const on = await bench.source(configOn(server), offsets)
    await play(server, `insert into item values (1000, 'later')`)
    // An older slot sends again what the rows of the snapshot contain.
    await on.waitFor('the change', () => story(on.records).at(-1) === 'c [1000]', deadlineMs)
    expect(lowest(on.records)).toBeGreaterThan(highest(reads))
    await on.stop()
  }

  it('rejects a server that the database was dumped to, and supersedes the old rows when all tables are read again', async () => {
    const old = await lines.start('old')
    await growWal(old)
    await play(old, `${table}; insert into item values (1, 'old'), (2, 'old')`)
    const offsets = new MemoryOffsets()
    const before = await read(old, 2, offsets)
    const moved = await lines.start('moved')
    await play(moved, `${table}; insert into item values (1, 'moved'), (2, 'moved')`)
    const message = await failure(moved, offsets)
    expect(message).toMatch(
      /^PG_OTHER_SERVER: the stored offset belongs to the server with system identifier \d+, .*snapshot\.mode/,
    )
    await readAgain(moved, offsets, [1, 2], highest(before))
    expect(offsets.last).toMatchObject({ penstock_epoch: 2 })
  })

  it('starts above the versions in the topics when a connector without offsets reads another server', async () => {
    const old = await lines.start('old')
    await growWal(old)
    await play(old, `${table}; insert into item values (1, 'old')`)
    const offsets = new MemoryOffsets()
    const before = await read(old, 1, offsets)
    const moved = await lines.start('moved')
    await play(moved, `${table}; insert into item values (1, 'moved')`)
    const after = await read(moved, 1, onlyTopics(offsets))
    expect(lowest(after)).toBeGreaterThan(highest(before))
    expect(story(after)).toEqual(['r [1]', 'u [1]'])
  })

  it('detects during the life of a task that another server has taken the address', async () => {
    const prepared = await lines.start('moved')
    // With a slot of that name, whose position is unrelated to that on the other server.
    await play(prepared, `${table}; create publication moving for table item`)
    await play(prepared, `select pg_create_logical_replication_slot('moving', 'pgoutput')`)
    await prepared.stop()
    const old = await lines.start('old')
    await growWal(old)
    await play(old, `${table}; insert into item values (1, 'old')`)
    const source = await bench.source(configOn(old))
    await source.waitForRecords(1, deadlineMs)
    await old.stop()
    const moved = await lines.start('moved', Number(new URL(old.address).port))
    expect(moved.address).toBe(old.address)
    expect((await source.failure(deadlineMs)).message).toMatch(/^PG_OTHER_SERVER/)
  })

  /** A primary with a captured row, and a standby that has received everything. */
  async function pair(offsets: MemoryOffsets): Promise<{ primary: Server; standby: Server }> {
    const first = await lines.start('primary')
    await play(first, `${table}; insert into item values (1, 'a')`)
    await read(first, 1, offsets)
    await first.stop()
    lines.copy('primary', 'standby')
    await first.start()
    const standby = await lines.standby('standby', first)
    await caughtUp(standby, first)
    return { primary: first, standby }
  }

  it('continues on a promoted standby that has everything, with the next epoch', async () => {
    const offsets = new MemoryOffsets()
    const { primary, standby } = await pair(offsets)
    const source = await bench.source(configOn(primary), offsets)
    await play(primary, `insert into item values (2, 'b')`)
    const [before] = await source.waitForRecords(1, deadlineMs)
    await source.stop()
    await caughtUp(standby, primary)
    await primary.stop()
    await promote(standby)
    await play(standby, `insert into item values (3, 'c')`)
    const promoted = await bench.source(configOn(standby), offsets)
    const [after] = await promoted.waitForRecords(1, deadlineMs)
    expect(story(promoted.records)).toEqual(['c [3]'])
    expect([epoch(before), epoch(after)]).toEqual([1, 2])
    expect(offsets.last).toMatchObject({ penstock_timeline: expect.stringMatching(/^2@/), penstock_epoch: 2 })
    await promoted.stop()
    const again = await bench.source(configOn(standby), offsets)
    await play(standby, `insert into item values (4, 'd')`)
    expect((await again.waitForRecords(1, deadlineMs)).map(epoch)).toEqual([2])
  })

  it('rejects a standby that was promoted without captured changes', async () => {
    const offsets = new MemoryOffsets()
    const { primary, standby } = await pair(offsets)
    await standby.stop()
    const source = await bench.source(configOn(primary), offsets)
    await play(primary, `insert into item values (2, 'lost')`)
    const before = await source.waitForRecords(1, deadlineMs)
    await source.stop()
    await primary.stop()
    await standby.start()
    await promote(standby)
    const message = await failure(standby, offsets)
    expect(message).toMatch(
      /^PG_TIMELINE: changes up to [0-9A-F/]+ were captured, and the server's timeline 2@.*snapshot\.mode/,
    )
    // The worker ended before it stored the offset: the topics hold more than the offset says.
    const late = onlyTopics(offsets)
    late.written.push(...offsets.written.slice(0, 2))
    expect(await failure(standby, late)).toMatch(/^PG_TIMELINE: the topics hold changes .*snapshot\.mode/)
    await readAgain(standby, offsets, [1], highest(before))
  })

  it('rejects a restored backup whose WAL is behind, and supersedes what was captured since', async () => {
    const offsets = new MemoryOffsets()
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a')`)
    await read(server, 1, offsets)
    await server.stop()
    lines.copy('server', 'backup')
    await server.start()
    const source = await bench.source(configOn(server), offsets)
    await play(server, `insert into item values (2, 'after the backup')`)
    await growWal(server)
    await play(server, `insert into item values (3, 'after the backup')`)
    const before = await source.waitForRecords(2, deadlineMs)
    await source.stop()
    await server.stop()
    const restored = await lines.start('backup')
    const message = await failure(restored, offsets)
    expect(message).toMatch(
      /^PG_LOG_BEHIND: changes up to [0-9A-F/]+ were captured, and the WAL of the server ends at .*snapshot\.mode/,
    )
    await readAgain(restored, offsets, [1], highest(before))
  })

  it('rejects a restored backup whose WAL has grown past the stored offset', async () => {
    const offsets = new MemoryOffsets()
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a')`)
    await read(server, 1, offsets)
    await server.stop()
    lines.copy('server', 'backup')
    await server.start()
    const source = await bench.source(configOn(server), offsets)
    await play(server, `insert into item values (2, 'after the backup')`)
    const before = await source.waitForRecords(1, deadlineMs)
    await source.stop()
    await server.stop()
    const restored = await lines.start('backup')
    await play(restored, `insert into item values (3, 'since')`)
    await growWal(restored)
    // The backup was restored more than five minutes later.
    const hourMicros = 3_600_000_000
    const late = onlyTopics(offsets)
    late.written.push({ ...offsets.last, ts_usec: Number(offsets.last?.['ts_usec']) - hourMicros })
    const message = await failure(restored, late)
    expect(message).toMatch(/^PG_LOG_REPLACED: the transaction at [0-9A-F/]+ was committed at .*snapshot\.mode/)
    await readAgain(restored, late, [1, 3], highest(before))
  })

  it('reads a slot of another name on the same server with the next epoch, above the versions in the topics', async () => {
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a')`)
    const offsets = new MemoryOffsets()
    const before = await read(server, 1, offsets)
    const other = await bench.source(configOn(server, { name: 'other', 'slot.name': 'other' }), onlyTopics(offsets))
    const [row] = await other.waitForRecords(1, deadlineMs)
    expect([epoch(before.at(-1)), epoch(row)]).toEqual([1, 2])
  })

  it('raises the epoch when tables are read again at a slot before captured changes', async () => {
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a')`)
    const offsets = new MemoryOffsets()
    const source = await bench.source(configOn(server), offsets)
    await source.waitForRecords(1, deadlineMs)
    source.hold()
    await play(server, `update item set v = 'b' where id = 1`)
    const before = await source.waitForRecords(2, deadlineMs)
    await source.stop()
    const again = await bench.source(configOn(server, always), offsets)
    // The slot sends the change again, after the row.
    const after = await again.waitForRecords(2, deadlineMs)
    expect(story(after)).toEqual(['r [1]', 'u [1]'])
    expect(lowest(after)).toBeGreaterThan(highest(before))
    await again.stop()
    const settled = await bench.source(configOn(server, always), offsets)
    const [row] = await settled.waitForRecords(1, deadlineMs)
    expect(epoch(row)).toBeLessThanOrEqual(epoch(after.at(-1)) + 1)
  })

  it('takes over an offset of Debezium, and one of the layout without epochs', async () => {
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a')`)
    const offsets = new MemoryOffsets()
    await read(server, 1, offsets)
    const withoutLine = (offset: SourceOffset | null): SourceOffset =>
      Object.fromEntries(Object.entries(offset ?? {}).filter(([key]) => !key.startsWith('penstock_')))
    const taken = new MemoryOffsets()
    taken.written.push(withoutLine(offsets.last))
    taken.greatest.set('t.public.item __penstock.version', BigInt(Number(offsets.last?.['lsn'])) * 1024n)
    const source = await bench.source(configOn(server), taken)
    await play(server, `insert into item values (2, 'b')`)
    const [change] = await source.waitForRecords(1, deadlineMs)
    expect(story(source.records)).toEqual(['c [2]'])
    expect([epoch(change), rowOf(change as SourceRecord)?.['v']]).toEqual([1, 'b'])
    expect(taken.last).toMatchObject({ penstock_epoch: 1, penstock_timeline: '1' })
  })

  it('reads the stored offset after it has the slot: the task before moved both', async () => {
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a')`)
    const offsets = new MemoryOffsets()
    const holder = await bench.source(configOn(server), offsets)
    await holder.waitForRecords(1, deadlineMs)
    const next = await bench.source(configOn(server), offsets)
    await next.waitFor('the slot to be refused', () => next.retried.length > 0, deadlineMs)
    const confirmed = async (): Promise<string> =>
      String((await play(server, 'select confirmed_flush_lsn::text as lsn from pg_replication_slots'))[0]?.['lsn'])
    const at = await confirmed()
    await play(server, `insert into item values (2, 'b')`)
    await holder.waitFor('the slot to move', async () => (await confirmed()) !== at, deadlineMs)
    await holder.stop()
    await play(server, `insert into item values (3, 'c')`)
    await next.waitFor('the change', () => next.records.length > 0, deadlineMs)
    expect(story(next.records)).toEqual(['c [3]'])
  })
})
