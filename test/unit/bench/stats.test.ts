import fc from 'fast-check'
import { expect, test } from 'vitest'
import { short, summarize } from '../../../bench/parts/stats.ts'

test('a percentile is the nearest rank: one of the samples', () => {
  const samples = Array.from({ length: 100 }, (_, i) => 100 - i)
  const summary = { count: 100, min: 1, p50: 50, p90: 90, p99: 99, 'p99.9': 100, max: 100 }
  expect(summarize(samples)).toEqual(summary)
})

test('the order of the samples makes no difference, and the extremes hold the rest', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 50 }), (samples) => {
      const { min, p50, p99, max } = summarize(samples)
      expect(summarize(samples.toReversed())).toEqual(summarize(samples))
      expect([min, max]).toEqual([Math.min(...samples), Math.max(...samples)])
      expect(min <= p50 && p50 <= p99 && p99 <= max).toBe(true)
    }),
  )
})

test('a number is shown with three digits, and a missing one as a dash', () => {
  expect([0.1234, 12.34, 1234.5, Number.NaN].map(short)).toEqual(['0.123', '12.3', '1235', '–'])
})
