import type { Point } from './history.ts'

import { historyMs, ratesOf } from './history.ts'

/** Columns of a chart: times in seconds of the epoch, then the values of each line; null where there is none. */
export type Columns = readonly [readonly number[], ...(readonly (number | null)[])[]]

/** Between two points of a chart. */
const stepMs = 5000

/** Records read and written per second. */
export function rateColumns(points: readonly Point[]): Columns {
  const [read, written] = [ratesOf(points, 'read', stepMs), ratesOf(points, 'written', stepMs)]
  return [
    read.map(({ time }) => time / 1000),
    read.map(({ perSecond }) => perSecond),
    written.map(({ perSecond }) => perSecond),
  ]
}

/** The records that a sink has left to read. */
export function lagColumns(points: readonly Point[]): Columns {
  const kept: Point[] = []
  for (const point of points) {
    const last = kept.at(-1)
    if (last === undefined || point.time - last.time >= stepMs) kept.push(point)
  }
  return [kept.map(({ time }) => time / 1000), kept.map(({ lag }) => lag)]
}

/** The last fifteen minutes until the last point, in seconds of the epoch. */
export function chartRange(points: readonly Point[], now: number): readonly [number, number] {
  const end = points.at(-1)?.time ?? now
  return [(end - historyMs) / 1000, end / 1000]
}
