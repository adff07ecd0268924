import { describe, expect, it } from 'vitest'
import { archiveFaults } from '../../support/worker/load-checks.ts'

const objects = (...list: readonly [start: number, lines: readonly number[]][]): Map<string, readonly number[]> =>
  new Map(list.map(([start, lines]) => [`t+0+${String(start).padStart(10, '0')}.json.gz`, lines]))

describe('an archive of a log', () => {
  it('is whole when each value stands in one object, in order', () => {
    expect(archiveFaults(objects([5, [15, 16]], [0, [10, 11, 12, 13, 14]]), [10, 11, 12, 13, 14, 15, 16])).toEqual([])
  })

  it('has no lines for tombstones', () => {
    const values = [10, null, 12, 13, null, 15, null]
    expect(archiveFaults(objects([0, [10, 12, 13]], [5, [15]]), values)).toEqual([])
    expect(archiveFaults(objects([0, [10, 12, 13]], [4, [15]]), values)).toEqual([])
    expect(archiveFaults(objects([0, [10, 12, 13]]), values)).toEqual(['the objects end at 5, the log at 7'])
  })

  it('has faults where values are left out, doubled, other ones, or missing at the end', () => {
    const values = [10, 11, 12, 13, 14]
    expect(archiveFaults(objects([0, [10]], [2, [12, 13, 14]]), values)).toEqual([
      't+0+0000000002.json.gz leaves out offsets from 1',
    ])
    expect(archiveFaults(objects([0, [10, 11, 12]], [2, [12, 13, 14]]), values)[0]).toBe(
      't+0+0000000002.json.gz begins before 3, which ends the object before',
    )
    expect(archiveFaults(objects([0, [10, 99, 12, 13, 14]]), values)).toEqual([
      't+0+0000000000.json.gz: line 1 is not the value at offset 1',
    ])
    expect(archiveFaults(objects([0, [10, 11]]), values)).toEqual(['the objects end at 2, the log at 5'])
  })
})
