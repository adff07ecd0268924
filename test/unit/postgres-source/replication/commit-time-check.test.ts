import { describe, expect, it } from 'vitest'
import { CommitTimeCheck } from '../../../../connectors/postgres-source/replication/commit-time-check.ts'
import { commitOffset, withLatestCommit } from '../../../../connectors/postgres-source/offsets/source-offset.ts'

const line = { system: '7412', timeline: '1', epoch: 2 }

describe('commit times', () => {
  const minute = 60_000_000
  const at = (micros: number, more = {}) => ({ finalLsn: 8, micros, skipped: false, isForeign: false, ...more })
  const times = (micros: number, latest: number): CommitTimeCheck =>
    new CommitTimeCheck(withLatestCommit(commitOffset(9, 3, micros, line), micros, latest), 'Read again.')

  it('keep the latest one when a clock is set back', () => {
    const before = times(100 * minute, 100 * minute)
    expect(before.onCommit(at(80 * minute))).toBe(100 * minute)
    const after = times(80 * minute, before.latest)
    expect(after.onCommit(at(100 * minute, { skipped: true }))).toBe(100 * minute)
    expect(() => after.onCommit(at(106 * minute, { skipped: true }))).toThrow('PG_LOG_REPLACED')
  })

  it('exclude transactions that were applied from another server', () => {
    const own = times(100 * minute, 100 * minute)
    expect(own.onCommit(at(900 * minute, { isForeign: true }))).toBe(100 * minute)
    const stored = times(900 * minute, own.latest)
    expect(stored.onCommit(at(700 * minute, { skipped: true, isForeign: true }))).toBe(100 * minute)
    expect(() => stored.onCommit(at(106 * minute, { skipped: true }))).toThrow('PG_LOG_REPLACED')
  })

  it('are stored once when they are close together', () => {
    const offset = commitOffset(9, 3, 100 * minute, line)
    expect(withLatestCommit(offset, 100 * minute, 101 * minute)).toBe(offset)
  })
})
