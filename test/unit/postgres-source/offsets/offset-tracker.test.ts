import type { SourceOffset } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import {
  commitOffset,
  rowOffset,
  snapshotOffset,
} from '../../../../connectors/postgres-source/offsets/source-offset.ts'
import { OffsetTracker } from '../../../../connectors/postgres-source/offsets/offset-tracker.ts'
import { SnapshotAhead } from '../../../../connectors/postgres-source/snapshot/snapshot-ahead.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const line = { system: '7412', timeline: '1', epoch: 2 }

const notAhead = (): SnapshotAhead =>
  new SnapshotAhead({
    load: () => Promise.resolve(null),
    save: () => undefined,
    setCondition: () => undefined,
    warn: () => undefined,
  })

describe('the offset tracker', () => {
  function progress(durable: SourceOffset | null = null, startLsn = 0) {
    const stored: SourceOffset[] = []
    const clock = new ManualClock()
    const at = new OffsetTracker(clock, (offset) => void stored.push(offset), 9000, notAhead())
    at.begin(line, startLsn, { emitted: durable, durable })
    return {
      stored,
      clock,
      progress: at,
    }
  }

  it('stores the end of a transaction once its rows are durable, at most once a second', () => {
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

  it('stores the end of the WAL when nothing is in flight, at a limited rate', () => {
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

  it('stores the end of the WAL immediately when the server waits for it', () => {
    const { progress: at, stored } = progress()
    expect(at.storeWalEnd(100, true)).toMatchObject({ lsn_commit: 100 })
    expect(at.storeWalEnd(200, true)).toBeNull()
    at.onDurable(stored[0] ?? {})
    expect(at.storeWalEnd(100, true)).toBeNull()
  })

  it('stores nothing before the place where it starts, which keepalives of a server that reads older WAL report', () => {
    const row = rowOffset({ type: 'INSERT', lsn: 500, lsnCommit: null, txId: 3, micros: 1, nth: 1 }, line)
    const snapshot = snapshotOffset(line, { lsn: 500, txId: null, micros: 0 }, true)
    for (const durable of [null, snapshot, row, commitOffset(500, null, 0, line)]) {
      const { progress: at, stored } = progress(durable, 400)
      for (const before of [300, 400]) expect(at.storeWalEnd(before, true)).toBeNull()
      if (durable !== null) expect(at.storeWalEnd(500, true)).toBeNull()
      expect(stored).toEqual([])
      expect(at.storeWalEnd(502, true)).toMatchObject({ lsn_commit: 502 })
    }
  })

  it('never confirms what is emitted but not durable (I2)', () => {
    const { progress: at, clock } = progress(commitOffset(5, null, 0, line))
    at.onEmitted(rowOffset({ type: 'INSERT', lsn: 9, lsnCommit: 7, txId: 3, micros: 1, nth: 1 }, line))
    clock.advance(60_000)
    expect(at.confirmableLsn).toBe(5)
    expect(at.storeWalEnd(100, false)).toBeNull()
  })
})
