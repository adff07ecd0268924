import { describe, expect, it } from 'vitest'

import { dateParser } from '../../../plugins/transforms/dates/parse-date.ts'

const now = Date.UTC(2026, 10, 29, 12)

describe('a year of two digits', () => {
  it.each([
    ['45-11-29', 2045],
    ['46-11-28', 2046],
    ['46-11-30', 1946],
    ['47-01-01', 1947],
    ['99-12-31', 1999],
    ['00-01-01', 2000],
  ])('%s is within 80 years before and 20 years after now: %i', (text, year) => {
    expect(new Date(Number(dateParser('yy-MM-dd', now)(text))).getUTCFullYear()).toBe(year)
  })

  it('is the year itself in a text of another length', () => {
    expect(new Date(Number(dateParser('yy-MM-dd', now)('046-06-01'))).getUTCFullYear()).toBe(46)
  })
})

it.each(['w yyyy', 'yyyy W', 'F', 'YYYY'])('a pattern with weeks cannot be read: %s', (pattern) => {
  expect(() => dateParser(pattern, now)).toThrow(/'[wWFY]' in the date format ".*" is not supported for reading dates/)
})
