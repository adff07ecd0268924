import { describe, expect, it } from 'vitest'

import { appended, joined, lagTimeOf, rateOf, ratesOf, type Point } from '../../../dashboard/model/history.ts'

const point = (seconds: number, read: number, lag: number | null = null): Point => ({
  time: seconds * 1000,
  read,
  written: read,
  lag,
})

describe('the rate of a connector', () => {
  it('is that of the last ten seconds', () => {
    const points = [point(0, 0), point(10, 1000), point(15, 1050), point(20, 1100)]
    expect(rateOf(points, 'read')).toBe(10)
  })

  it('is that of the time that is known, while it is short', () => {
    expect(rateOf([point(4, 10), point(6, 30)], 'written')).toBe(10)
    expect(rateOf([point(4, 10)], 'read')).toBeNull()
    expect(rateOf([], 'read')).toBeNull()
  })

  it('is not negative after its tasks have started again', () => {
    expect(rateOf([point(0, 5000), point(1, 5100), point(2, 10), point(4, 30)], 'read')).toBe(10)
  })
})

describe('the rates of a chart', () => {
  it('are between points that are far enough apart, and null where tasks started again', () => {
    const points = [point(0, 0), point(4, 40), point(5, 100), point(10, 200), point(15, 20)]
    expect(ratesOf(points, 'read', 5000)).toEqual([
      { time: 5000, perSecond: 20 },
      { time: 10_000, perSecond: 20 },
      { time: 15_000, perSecond: null },
    ])
  })
})

describe('the lag of a sink in time', () => {
  it('is how long ago the topics ended where it reads', () => {
    // At 2 s the topics ended at 120, which it has read now.
    const points = [point(0, 100, 0), point(2, 100, 20), point(4, 110, 40), point(6, 120, 60)]
    expect(lagTimeOf(points)).toEqual({ seconds: 4, isAtLeast: false })
  })

  it('is at least the known past, when the topics ended further on all the time', () => {
    expect(lagTimeOf([point(0, 0, 500), point(9, 10, 490)])).toEqual({ seconds: 9, isAtLeast: true })
  })

  it('is zero without lag, and unknown without partitions', () => {
    expect(lagTimeOf([point(0, 5, 0)])).toEqual({ seconds: 0, isAtLeast: false })
    expect(lagTimeOf([point(0, 5, null)])).toBeNull()
  })
})

describe('the past that is kept', () => {
  it('is fifteen minutes', () => {
    let points: readonly Point[] = []
    for (let second = 0; second <= 1000; second += 100) points = appended(points, point(second, second))
    expect([points[0]?.time, points.at(-1)?.time]).toEqual([100_000, 1_000_000])
  })

  it('has each time once', () => {
    expect(appended([point(5, 1)], point(5, 2))).toEqual([point(5, 1)])
  })

  it('begins with what the worker remembers', () => {
    expect(joined([point(0, 1), point(10, 2), point(20, 3)], [point(15, 9)])).toEqual([
      point(0, 1),
      point(10, 2),
      point(15, 9),
    ])
  })
})
