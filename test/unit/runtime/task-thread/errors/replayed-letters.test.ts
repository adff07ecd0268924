import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ReplayedLetters } from '../../../../../src/runtime/task-thread/errors/dead-letters/replayed-letters.ts'

const keys = fc.constantFrom(null, 'a', 'b', '')
/** A log: the key of each record, and whether it has a letter. */
const logs = fc.array(fc.record({ key: keys, isLetter: fc.boolean() }), { minLength: 1, maxLength: 12 })
const bytes = (key: string | null): Buffer | null => (key === null ? null : Buffer.from(key))

describe('the records that are delivered again', () => {
  it('are those of letters, and the later ones of their keys where these follow', () => {
    fc.assert(
      fc.property(logs, fc.nat({ max: 12 }), fc.boolean(), (log, until, followers) => {
        const records = log.map(({ key, isLetter }, offset) => ({
          offset,
          key: bytes(key),
          timestamp: offset,
          isLetter,
        }))
        const letters = records.filter(({ isLetter, offset }) => isLetter && offset < until)
        const replayed = new ReplayedLetters([...letters, ...letters.toReversed()], { until, followers })
        expect(replayed.size).toBe(letters.length)
        for (const [offset, { key, isLetter }] of log.entries()) {
          const follows =
            followers && key !== null && letters.some((one) => one.offset < offset && log[one.offset]?.key === key)
          expect(replayed.has({ offset, key: bytes(key), timestamp: offset })).toBe(
            offset >= until || isLetter || follows,
          )
          expect(replayed.before(offset)).toBe(letters.filter((one) => one.offset < offset).length)
        }
      }),
    )
  })

  it('are not those that stand at the offset of a letter with another key or time: they are of another topic', () => {
    const of = { offset: 3, key: Buffer.from('a'), timestamp: 5 }
    const replayed = new ReplayedLetters([of, { ...of, key: null, timestamp: null }], { until: 9, followers: true })
    expect(replayed.size).toBe(1)
    expect(replayed.has(of)).toBe(true)
    // Records without a time have a letter with the time at which it was written.
    expect(replayed.has({ ...of, timestamp: -1 })).toBe(true)
    expect(replayed.has({ ...of, key: null })).toBe(true)
    for (const other of [{ key: Buffer.from('b') }, { timestamp: 6 }])
      expect(replayed.has({ ...of, ...other })).toBe(false)
  })
})
