import { describe, expect, it } from 'vitest'

import { BadRequestError } from '../../../../src/herder/herder-errors.ts'
import { parseStart, positionText, startOffset, type RecordStart } from '../../../../src/herder/topics/record-start.ts'

const range = { topic: 't', partition: 1, start: 10, end: 20 }
const at = (from: string, byTime = new Map<number, number>()): number =>
  startOffset(parseStart(from) as Exclude<RecordStart, { at: 'latest' }>, range, byTime)

describe('the start of reading', () => {
  it.each([
    ['earliest', 10],
    ['15', 15],
    ['3', 10],
    ['99', 20],
    ['0:4,1:12', 12],
    ['0:4', 10],
  ])('%s is an offset of the partition: %i', (from, offset) => {
    expect(at(from)).toBe(offset)
  })

  it('is the first record at or after a time, or the end when there is none', () => {
    const time = '2026-01-05T14:03:07+02:00'
    expect(parseStart(time)).toEqual({ at: 'time', ms: Date.UTC(2026, 0, 5, 12, 3, 7) })
    expect(at(time, new Map([[1, 13]]))).toBe(13)
    expect(at(time, new Map([[1, -1]]))).toBe(20)
  })

  it('is that of the text of a position', () => {
    const offsets = new Map([
      [0, 4],
      [7, 12],
    ])
    expect(parseStart(positionText(offsets))).toEqual({ at: 'cursor', offsets })
  })

  it.each(['', 'newest', '-1', '1.5', '2026-01-05', '2026-13-05T14:03:07Z', '1:', ',1:2'])('is not "%s"', (from) => {
    expect(() => parseStart(from)).toThrow(BadRequestError)
  })
})
