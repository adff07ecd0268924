import { expect, test } from 'vitest'
import { stored, type Measurement } from '../../../bench/parts/results.ts'

const measurement = (samples: readonly number[]): Measurement => ({
  what: 'commit → readable',
  who: 'penstock',
  unit: 'ms',
  samples,
  conditions: { rate: 50 },
})

test('a result file holds the samples of a few runs as they are', () => {
  expect(stored(measurement([3, 1, 2]))).toEqual(measurement([3, 1, 2]))
})

test('a result file holds many samples by their percentiles, not one by one', () => {
  const samples = Array.from({ length: 2000 }, (_, i) => 2000 - i)
  expect(stored(measurement(samples))).toEqual({
    what: 'commit → readable',
    who: 'penstock',
    unit: 'ms',
    summary: { count: 2000, min: 1, p50: 1000, p90: 1800, p99: 1980, 'p99.9': 1998, max: 2000 },
    conditions: { rate: 50 },
  })
})
