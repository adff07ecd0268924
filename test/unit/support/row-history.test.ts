import { describe, expect, it } from 'vitest'
import { RowHistory, type RowChange } from '../../support/postgres/row-history.ts'

const read = (rev: number): RowChange => ({ kind: 'read', rev })
const change = (rev: number): RowChange => ({ kind: 'change', rev })
const end: RowChange = { kind: 'end' }

function faults(changes: readonly RowChange[], table: readonly [number, number][]): readonly string[] {
  const history = new RowHistory()
  for (const one of changes) history.see(1, one)
  for (const [id, rev] of table) history.expect(id, rev)
  history.finish()
  return history.faults
}

describe('the history of a row', () => {
  it.each<[string, readonly RowChange[], readonly [number, number][]]>([
    ['streamed from its insert', [change(0), change(1)], [[1, 1]]],
    ['read, then streamed', [read(3), change(4)], [[1, 4]]],
    ['with a run sent again', [change(0), change(1), change(0), change(1), change(2)], [[1, 2]]],
    [
      'read twice, the stream starting at the slot of the first reading',
      [read(0), read(7), change(1), change(2), change(3), change(4), change(5), change(6), change(7)],
      [[1, 7]],
    ],
    ['gone before an interrupted snapshot read it', [change(1), change(2), end], []],
    ['ended, its run sent again', [change(0), end, change(0), end], []],
  ])('is whole when it was %s', (_name, changes, table) => {
    expect(faults(changes, table)).toEqual([])
  })

  it.each<[string, readonly RowChange[], readonly [number, number][], RegExp]>([
    ['a change is missing', [change(0), change(2)], [[1, 2]], /change 2 follows 0/],
    ['the stream starts too late', [read(0), change(2)], [[1, 2]], /the first streamed/],
    ['the last change is missing', [change(0)], [[1, 1]], /is at change 1 in the table, at 0/],
    ['its end is missing', [change(0)], [], /is gone from the table/],
    ['something comes after its end', [change(0), end, change(1)], [], /follows its end/],
    ['it never came', [], [[1, 0]], /not in the log/],
  ])('has a fault when %s', (_name, changes, table, fault) => {
    expect(faults(changes, table).join('\n')).toMatch(fault)
  })

  it('counts the records that a source sends again, and the runs in which they stand', () => {
    const history = new RowHistory()
    for (const rev of [0, 1, 2, 1, 2, 3, 3, 4]) history.see(1, change(rev))
    history.see(1, end)
    history.see(1, end)
    expect([history.resent, history.runs, history.faults]).toEqual([4, 3, []])
  })

  it('is kept apart from those of thousands of other rows', () => {
    const history = new RowHistory()
    history.see(1, end)
    for (let rev = 0; rev < 3; rev++) for (let id = 0; id < 5000; id++) history.see(id * 7, change(rev))
    for (let id = 0; id < 5000; id++) history.expect(id * 7, 2)
    history.finish()
    expect([history.resent, history.faults]).toEqual([0, []])
  })
})
