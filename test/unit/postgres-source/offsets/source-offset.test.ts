import type { SourceOffset } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { confirmableLsn, resumePoint, slotLimit } from '../../../../connectors/postgres-source/offsets/resume-point.ts'
import {
  commitOffset,
  lineageOf,
  messageOffset,
  withLineage,
  rowOffset,
  snapshotOffset,
  aheadOf,
  withAhead,
  withPart,
} from '../../../../connectors/postgres-source/offsets/source-offset.ts'

const line = { system: '7412', timeline: '1', epoch: 2 }

describe('a stored offset', () => {
  it.each<[string, SourceOffset | null, ReturnType<typeof resumePoint>]>([
    ['is missing', null, { kind: 'begin' }],
    ['is of an unfinished snapshot', { lsn: 5, snapshot: 'INITIAL', last_snapshot_record: false, snapshot_completed: false }, { kind: 'begin' }],
    ['is of an unfinished snapshot, as 2.x wrote it', { lsn: 5, snapshot: true, last_snapshot_record: false }, { kind: 'begin' }],
    ['ends a snapshot', { lsn: 5, txId: 1, snapshot: 'INITIAL', last_snapshot_record: true, snapshot_completed: true }, { kind: 'stream', skipBefore: 5, lastCommit: null, open: [] }],
    ['ends a snapshot, as 2.x wrote it', { lsn: 5, snapshot: 'true', last_snapshot_record: 'true' }, { kind: 'stream', skipBefore: 5, lastCommit: null, open: [] }],
    ['is of a row', { lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3, ts_usec: 1 }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 1, mayBePart: true }] }],
    ['is of one row of many at a position', { lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3, lsn_events_processed: 4 }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 4, mayBePart: true }] }],
    ['is of the first row after a snapshot', { lsn_proc: 9, messageType: 'UPDATE', lsn: 9, txId: 3 }, { kind: 'stream', skipBefore: 0, lastCommit: null, open: [{ txId: 3, lsn: 9, nth: 1, mayBePart: true }] }],
    ['is of a heartbeat after a snapshot', { lsn: 5, txId: 1090, ts_usec: 1 }, { kind: 'stream', skipBefore: 5, lastCommit: null, open: [] }],
    ['is of a version without message types', { lsn_proc: 9, lsn_commit: 7, lsn: 9, transaction_id: null }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: null, lsn: 9, nth: 1, mayBePart: true }] }],
    ['is of a row of this connector', rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 1 }, line), { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 1, mayBePart: false }] }],
    ['is of a row of Debezium, with a lineage', withLineage({ lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3 }, line), { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 1, mayBePart: true }] }],
    ['is of a commit, as this connector writes it', commitOffset(9, 3, 1, line), { kind: 'stream', skipBefore: 9, lastCommit: 9, open: [] }],
    ['is of a message outside of transactions, as this connector writes it', messageOffset(9, 1, line), { kind: 'stream', skipBefore: 9, lastCommit: 9, open: [] }],
    ['is of a commit, as Debezium writes it', { lsn_proc: 9, messageType: 'COMMIT', lsn_commit: 9, lsn: 9 }, { kind: 'stream', skipBefore: 9, lastCommit: 9, open: [] }],
    ['is of a message in a transaction', { lsn_proc: 7, messageType: 'MESSAGE', lsn_commit: 7, lsn: 9, txId: 3 }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 1, mayBePart: true }] }],
    ['is of a message outside of transactions', { lsn_proc: 9, messageType: 'MESSAGE', lsn_commit: 9, lsn: 9 }, { kind: 'stream', skipBefore: 9, lastCommit: 9, open: [] }],
    ['is of a part of the rows at a position', withPart({ lsn_proc: 8, messageType: 'INSERT', lsn_commit: 7, lsn: 8, txId: 3 }, { txId: 3, lsn: 9, nth: 4 }), { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 8, nth: 1, mayBePart: true }, { txId: 3, lsn: 9, nth: 4, mayBePart: false }] }],
    ['is of a part of the rows at a position, after a commit', withPart({ lsn_proc: 7, messageType: 'COMMIT', lsn_commit: 7, lsn: 7 }, { txId: 3, lsn: 9, nth: 4 }), { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 4, mayBePart: false }] }],
    ['is of a part of the rows at a position, after a snapshot', withPart({ lsn: 5, snapshot: 'INITIAL', last_snapshot_record: true, snapshot_completed: true }, { txId: 3, lsn: 9, nth: 4 }), { kind: 'stream', skipBefore: 5, lastCommit: null, open: [{ txId: 3, lsn: 9, nth: 4, mayBePart: false }] }],
    ['is of an incremental snapshot', { lsn_proc: 9, messageType: 'INSERT', lsn_commit: 7, lsn: 9, txId: 3, snapshot: 'INCREMENTAL' }, { kind: 'stream', skipBefore: 7, lastCommit: 7, open: [{ txId: 3, lsn: 9, nth: 1, mayBePart: true }] }],
  ])('%s', (_what, offset, point) => {
    expect(resumePoint(offset)).toEqual(point)
  }) // prettier-ignore

  it('is rejected when it has no position', () => {
    expect(() => resumePoint({ file: 'x' })).toThrow('PG_OFFSET')
    expect(() => resumePoint({ lsn: 'x' })).toThrow('PG_OFFSET')
    for (const text of ['', '3 9', '3 9 -1', '3 9 x', '3 9 1 1'])
      expect(() => resumePoint({ lsn: 9, penstock_part: text })).toThrow('PG_OFFSET')
  })

  it('contains its lineage, whatever position it is', () => {
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

  it('allows the slot to be at its last commit, and confirms no more (I2)', () => {
    const row = rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 1 }, line)
    expect([slotLimit(row), confirmableLsn(row)]).toEqual([7, 7])
    const first = rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: null, txId: 3, micros: 1, nth: 1 }, line)
    expect([slotLimit(first), confirmableLsn(first)]).toEqual([9, null])
  })
})

describe('a snapshot that is ahead of an offset', () => {
  it('is stored in the offset and parsed from it', () => {
    const ahead = { end: 0x1_0000_0028, version: 2n ** 53n + 1n }
    const offset = withAhead(commitOffset(9, 3, 5, line), ahead)
    expect(offset['penstock_ahead']).toBe('1/28 9007199254740993')
    expect(aheadOf(JSON.parse(JSON.stringify(offset)) as SourceOffset)).toEqual(ahead)
    expect(resumePoint(offset)).toEqual(resumePoint(commitOffset(9, 3, 5, line)))
  })

  it('is absent in offsets without it, such as those of Debezium', () => {
    expect([null, commitOffset(9, 3, 5, line), { lsn: 5, lsn_proc: 5, txId: 1 }].map(aheadOf)).toEqual([
      null,
      null,
      null,
    ])
    const offset = commitOffset(9, 3, 5, line)
    expect(withAhead(offset, null)).toBe(offset)
  })

  it('is rejected when it cannot be parsed', () => {
    expect(() => aheadOf({ penstock_ahead: 'x' })).toThrow('PG_OFFSET')
  })
})
