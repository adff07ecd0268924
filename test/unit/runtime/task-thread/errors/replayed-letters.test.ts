import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ReplayedLetters } from '../../../../../src/runtime/task-thread/errors/dead-letters/replayed-letters.ts'

const keys = fc.constantFrom(null, 'a', 'b', '')
/** A log: the key of each record, and whether it has a letter. */
const logs = fc.array(fc.record({ key: keys, isLetter: fc.boolean() }), { minLength: 1, maxLength: 12 })
const bytes = (key: string | null): Buffer | null => (key === null ? null : Buffer.from(key))

describe('the records that are delivered again', () => {
  it('are those of letters, and the later ones of their keys', () => {
    fc.assert(
      fc.property(logs, fc.nat({ max: 12 }), (log, until) => {
        const records = log.map(({ key, isLetter }, offset) => ({ offset, key: bytes(key), isLetter }))
        const letters = records.filter(({ isLetter, offset }) => isLetter && offset < until)
        const replayed = new ReplayedLetters([...letters, ...letters.toReversed()], until)
        expect(replayed.size).toBe(letters.length)
        for (const [offset, { key, isLetter }] of log.entries()) {
          const follows = key !== null && letters.some((one) => one.offset < offset && log[one.offset]?.key === key)
          expect(replayed.has({ offset, key: bytes(key) })).toBe(offset >= until || isLetter || follows)
          expect(replayed.before(offset)).toBe(letters.filter((one) => one.offset < offset).length)
        }
      }),
    )
  })

  it('are not those that stand at the offset of a letter with another key: they are of another topic', () => {
    const replayed = new ReplayedLetters([{ offset: 3, key: Buffer.from('a') }], 9)
    expect(replayed.has({ offset: 3, key: Buffer.from('b') })).toBe(false)
    expect(replayed.has({ offset: 3, key: null })).toBe(false)
    expect(replayed.has({ offset: 3, key: Buffer.from('a') })).toBe(true)
  })
})
