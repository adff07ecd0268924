import type { SourceOffset } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { CommitTimeCheck } from '../../../connectors/postgres-source/replication/commit-time-check.ts'
import { formatLsn, parseLsn, readLsn } from '../../../connectors/postgres-source/offsets/lsn.ts'
import { confirmableLsn, resumePoint, slotLimit } from '../../../connectors/postgres-source/offsets/resume-point.ts'
import {
  commitOffset,
  lineageOf,
  withLineage,
  rowOffset,
  snapshotOffset,
  withLatestCommit,
  aheadOf,
  withAhead,
} from '../../../connectors/postgres-source/offsets/source-offset.ts'
import { OffsetTracker } from '../../../connectors/postgres-source/offsets/offset-tracker.ts'
import { SnapshotAhead } from '../../../connectors/postgres-source/snapshot/snapshot-ahead.ts'
import { RecordQueue } from '../../../connectors/postgres-source/records/record-queue.ts'
import { firstVersion, versionAt } from '../../../connectors/postgres-source/offsets/row-version.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('log positions', () => {
  it('are numbers with a text form', () => {
    expect(parseLsn('16/B374D848')).toBe(0x16b374d848)
    expect(formatLsn(0x16b374d848)).toBe('16/B374D848')
    expect(readLsn(Buffer.from('00000016b374d848', 'hex'), 0)).toBe(0x16b374d848)
  })

  it('past 2^53 are refused', () => {
    expect(() => readLsn(Buffer.from('ffffffffffffffff', 'hex'), 0)).toThrow('LSN')
    for (const text of ['nonsense', '16/', '/B3', '16/B374D848x', '1x/2', '16/B374D848 ', '123456789/0']) {
      expect(() => parseLsn(text), text).toThrow('LSN')
    }
  })
})

const line = { system: '7412', timeline: '1', epoch: 2 }

describe('the version of a row', () => {
  const version = (epoch: number, lsn: number, index: number): bigint => versionAt(firstVersion(epoch, lsn), index)

  it('holds the epoch, the position of the commit in units of eight bytes, and the index of the change', () => {
    expect(version(0, 8000, 0)).toBe(1_024_000n)
    expect(version(3, 2 ** 45, 5)).toBe(3n * 2n ** 53n + 2n ** 52n + 5n)
    expect(version(1023, 2 ** 46 - 8, 1023)).toBe(2n ** 63n - 1n)
  })

  it('rises with the index up to 1023, and never reaches the version of the next commit', () => {
    expect(version(1, 8000, 1023)).toBe(version(1, 8000, 0) + 1023n)
    expect(version(1, 8000, 5000)).toBe(version(1, 8000, 1023))
    expect(version(1, 8008, 0)).toBeGreaterThan(version(1, 8000, 1_000_000))
  })

  it('of the first epoch lies above every offset of a topic and every version without an epoch', () => {
    expect(version(1, 0, 0)).toBeGreaterThan(BigInt(Number.MAX_SAFE_INTEGER))
    expect(version(1, 0, 0)).toBeGreaterThan((2n ** 43n - 8n) * 1024n + 1023n)
  })
})

describe('a stored offset', () => {
  it.each<[string, SourceOffset | null, ReturnType<typeof resumePoint>]>([
    ['is missing', null, { kind: 'begin' }],
    ['is of an unfinished snapshot', { lsn: 5, snapshot: 'INITIAL', last_snapshot_record: false, snapshot_completed: false }, { kind: 'begin' }],
    ['is of an unfinished snapshot, as 2.x wrote it', { lsn: 5, snapshot: true, last_snapshot_record: false }, { kind: 'begin' }],
    ['ends a snapshot', { lsn: 5, txId: 1, snapshot: 'INITIAL', last_snapshot_record: true, snapshot_completed: true }, { kind: 'stream', skipBefore: 5, lastCommit: null, open: null }],
    ['ends a snapshot, as 2.x wrote it', { lsn: 5, snapshot: 'true', last_snapshot_record: 'true' }, { kind: 'stream', skipBefore: 5, lastCommit: null, open: null }],
    ['is of a row', { lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3, ts_usec: 1 }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: { txId: 3, lsn: 9, nth: 1 } }],
    ['is of one row of many at a position', { lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3, lsn_events_processed: 4 }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: { txId: 3, lsn: 9, nth: 4 } }],
    ['is of the first row after a snapshot', { lsn_proc: 9, messageType: 'UPDATE', lsn: 9, txId: 3 }, { kind: 'stream', skipBefore: 0, lastCommit: null, open: { txId: 3, lsn: 9, nth: 1 } }],
    ['is of a heartbeat after a snapshot', { lsn: 5, txId: 1090, ts_usec: 1 }, { kind: 'stream', skipBefore: 5, lastCommit: null, open: null }],
    ['is of a version without message types', { lsn_proc: 9, lsn_commit: 7, lsn: 9, transaction_id: null }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: { txId: null, lsn: 9, nth: 1 } }],
    ['is of a commit', { lsn_proc: 9, messageType: 'COMMIT', lsn_commit: 9, lsn: 9 }, { kind: 'stream', skipBefore: 9, lastCommit: 9, open: null }],
    ['is of a message in a transaction', { lsn_proc: 7, messageType: 'MESSAGE', lsn_commit: 7, lsn: 9, txId: 3 }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: { txId: 3, lsn: 9, nth: 1 } }],
    ['is of a message outside of transactions', { lsn_proc: 9, messageType: 'MESSAGE', lsn_commit: 9, lsn: 9 }, { kind: 'stream', skipBefore: 9, lastCommit: 9, open: null }],
    ['is of an incremental snapshot', { lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3, snapshot: 'INCREMENTAL' }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: { txId: 3, lsn: 9, nth: 1 } }],
  ])('%s', (_what, offset, point) => {
    expect(resumePoint(offset)).toEqual(point)
  }) // prettier-ignore

  it('that says nothing is refused', () => {
    expect(() => resumePoint({ file: 'x' })).toThrow('PG_OFFSET')
    expect(() => resumePoint({ lsn: 'x' })).toThrow('PG_OFFSET')
  })

  it('names its line, whatever kind of place it is', () => {
    const offsets = [
      snapshotOffset(line, { lsn: 5, txId: null, micros: 1 }, false),
      rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: null, txId: 3, micros: 1, nth: 1 }, line),
      rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: null, txId: 3, micros: 1, nth: 2 }, line),
      rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 1 }, line),
      rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 2 }, line),
      commitOffset(9, null, 1, line),
      withLineage({ lsn: 9 }, line),
    ]
    for (const offset of offsets) expect(lineageOf(JSON.parse(JSON.stringify(offset)) as SourceOffset)).toEqual(line)
    expect(lineageOf({ lsn: 9, lsn_proc: 9, messageType: 'INSERT' })).toBeNull()
    expect(() => lineageOf({ penstock_system: '1', penstock_timeline: '1', penstock_epoch: 'x' })).toThrow('PG_OFFSET')
  })

  it('allows the slot to stand at its last commit, and confirms no more', () => {
    const row = rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 1 }, line)
    expect([slotLimit(row), confirmableLsn(row)]).toEqual([7, 7])
    const first = rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: null, txId: 3, micros: 1, nth: 1 }, line)
    expect([slotLimit(first), confirmableLsn(first)]).toEqual([9, null])
  })
})

describe('the times of commits', () => {
  const minute = 60_000_000
  const at = (micros: number, more = {}) => ({ finalLsn: 8, micros, skipped: false, isForeign: false, ...more })
  const times = (micros: number, latest: number): CommitTimeCheck =>
    new CommitTimeCheck(withLatestCommit(commitOffset(9, 3, micros, line), micros, latest), 'Read again.')

  it('keep the latest one where a clock is set back', () => {
    const before = times(100 * minute, 100 * minute)
    expect(before.onCommit(at(80 * minute))).toBe(100 * minute)
    const after = times(80 * minute, before.latest)
    expect(after.onCommit(at(100 * minute, { skipped: true }))).toBe(100 * minute)
    expect(() => after.onCommit(at(106 * minute, { skipped: true }))).toThrow('PG_LOG_REPLACED')
  })

  it('are not those of transactions of another server', () => {
    const own = times(100 * minute, 100 * minute)
    expect(own.onCommit(at(900 * minute, { isForeign: true }))).toBe(100 * minute)
    const stored = times(900 * minute, own.latest)
    expect(stored.onCommit(at(700 * minute, { skipped: true, isForeign: true }))).toBe(100 * minute)
    expect(() => stored.onCommit(at(106 * minute, { skipped: true }))).toThrow('PG_LOG_REPLACED')
  })

  it('stand in an offset once where they are near', () => {
    const offset = commitOffset(9, 3, 100 * minute, line)
    expect(withLatestCommit(offset, 100 * minute, 101 * minute)).toBe(offset)
  })
})

describe('the snapshot that is ahead of an offset', () => {
  it('is named in it, and read back', () => {
    const ahead = { end: 0x1_0000_0028, version: 2n ** 53n + 1n }
    const offset = withAhead(commitOffset(9, 3, 5, line), ahead)
    expect(offset['penstock_ahead']).toBe('1/28 9007199254740993')
    expect(aheadOf(JSON.parse(JSON.stringify(offset)) as SourceOffset)).toEqual(ahead)
    expect(resumePoint(offset)).toEqual(resumePoint(commitOffset(9, 3, 5, line)))
  })

  it('is none in offsets without it, as of Debezium', () => {
    expect([null, commitOffset(9, 3, 5, line), { lsn: 5, lsn_proc: 5, txId: 1 }].map(aheadOf)).toEqual([
      null,
      null,
      null,
    ])
    const offset = commitOffset(9, 3, 5, line)
    expect(withAhead(offset, null)).toBe(offset)
  })

  it('is refused where it cannot be read', () => {
    expect(() => aheadOf({ penstock_ahead: 'x' })).toThrow('PG_OFFSET')
  })
})

const notAhead = (): SnapshotAhead =>
  new SnapshotAhead({
    load: () => Promise.resolve(null),
    save: () => undefined,
    setCondition: () => undefined,
    warn: () => undefined,
  })

describe('progress', () => {
  function progress(durable: SourceOffset | null = null) {
    const stored: SourceOffset[] = []
    const clock = new ManualClock()
    const at = new OffsetTracker(clock, (offset) => void stored.push(offset), 9000, notAhead())
    at.begin(line, durable, durable)
    return {
      stored,
      clock,
      progress: at,
    }
  }

  it('stores the end of a transaction once its rows are durable, a second after the last time', () => {
    const { progress: at, stored, clock } = progress()
    const row = rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: null, txId: 3, micros: 1, nth: 1 }, line)
    at.onEmitted(row)
    at.onTransaction({ endLsn: 12, xid: 3, micros: 1, latest: 1, changes: 1 })
    expect(at.storeTransaction(() => undefined)).toBeNull()
    at.onDurable(row)
    let retried = 0
    expect(at.storeTransaction(() => void (retried += 1))).toBeNull()
    clock.advance(1000)
    expect(retried).toBe(1)
    expect(at.storeTransaction(() => undefined)).toEqual(commitOffset(12, 3, 1, line))
    expect(at.confirmableLsn).toBe(0)
    at.onDurable(stored[0] ?? {})
    expect(at.confirmableLsn).toBe(12)
    expect(at.isSettled).toBe(true)
  })

  it('stores the end of the log when nothing is in flight, and not too often', () => {
    const { progress: at, stored, clock } = progress()
    expect(at.storeWalEnd(100, false)).toBeNull()
    clock.advance(9000)
    expect(at.storeWalEnd(100, false)).toMatchObject({ lsn_commit: 100 })
    expect(at.isSettled).toBe(false)
    clock.advance(9000)
    expect(at.storeWalEnd(200, false)).toBeNull()
    at.onDurable(stored[0] ?? {})
    expect(at.storeWalEnd(100, false)).toBeNull()
    expect(at.storeWalEnd(200, false)).toMatchObject({ lsn_commit: 200 })
  })

  it('stores the end of the log at once when the server waits for it', () => {
    const { progress: at, stored } = progress()
    expect(at.storeWalEnd(100, true)).toMatchObject({ lsn_commit: 100 })
    expect(at.storeWalEnd(200, true)).toBeNull()
    at.onDurable(stored[0] ?? {})
    expect(at.storeWalEnd(100, true)).toBeNull()
  })

  it('never confirms what is emitted and not durable', () => {
    const { progress: at, clock } = progress(commitOffset(5, null, 0, line))
    at.onEmitted(rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 1 }, line))
    clock.advance(60_000)
    expect(at.confirmableLsn).toBe(5)
    expect(at.storeWalEnd(100, false)).toBeNull()
  })
})

describe('the queue between the database and poll', () => {
  const limits = { batchSize: 2, maxRecords: 3, maxBytes: 100 }
  const record = (topic: string) => ({ topic }) as Parameters<RecordQueue['push']>[0]

  it('hands records out in order and in batches', async () => {
    const queue = new RecordQueue(limits)
    for (const topic of ['a', 'b', 'c']) queue.push(record(topic), 1)
    const { signal } = new AbortController()
    expect((await queue.take(signal))?.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect((await queue.take(signal))?.map(({ topic }) => topic)).toEqual(['c'])
  })

  it.each([
    ['records', 1],
    ['bytes', 50],
  ])('is full by %s, and tells of room', async (_by, bytes) => {
    const queue = new RecordQueue(limits)
    let room = 0
    queue.onRoom = () => void (room += 1)
    for (let i = 0; i * bytes < 100 && i < 3; i += 1) queue.push(record('a'), bytes)
    expect(queue.isFull).toBe(true)
    await queue.take(new AbortController().signal)
    expect(queue.isFull).toBe(false)
    expect(room).toBe(1)
  })

  it('ends a wait with the signal, and throws a failure behind the records', async () => {
    const queue = new RecordQueue(limits)
    const abort = new AbortController()
    const waiting = queue.take(abort.signal)
    abort.abort()
    expect(await waiting).toBeNull()
    queue.push(record('a'), 1)
    queue.fail(new RangeError('lost'))
    const { signal } = new AbortController()
    expect(await queue.take(signal)).toHaveLength(1)
    await expect(queue.take(signal)).rejects.toThrow('lost')
  })
})
