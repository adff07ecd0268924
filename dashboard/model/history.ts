/** The sums of a connector's tasks at one time. */
export interface Point {
  /** In ms of the epoch, by the worker's clock. */
  readonly time: number
  readonly read: number
  readonly written: number
  /** Records that were not read yet; null for a source. */
  readonly lag: number | null
}

/** How far a sink is behind, in time. */
export interface LagTime {
  readonly seconds: number
  /** Whether the past that is known ends before the oldest record that was not read. */
  readonly isAtLeast: boolean
}

/** How much of the past is kept. */
export const historyMs = 15 * 60_000

/** Adds a point, and forgets what is older than the kept past. A point that is not newer than the last one is left out. */
export function appended(points: readonly Point[], point: Point): readonly Point[] {
  const last = points.at(-1)
  if (last !== undefined && point.time <= last.time) return points
  const oldest = point.time - historyMs
  const from = points.findIndex(({ time }) => time >= oldest)
  return from === -1 ? [point] : [...points.slice(from), point]
}

/** Puts the past that the worker remembers before the points that were seen. */
export function joined(past: readonly Point[], seen: readonly Point[]): readonly Point[] {
  const first = seen[0]?.time ?? Number.POSITIVE_INFINITY
  return [...past.filter(({ time }) => time < first), ...seen]
}

/** The points since the tasks started last: counts begin at 0 with each start. */
export function sinceRestart(points: readonly Point[]): readonly Point[] {
  for (let at = points.length - 1; at > 0; at -= 1) {
    const [before, after] = [points[at - 1], points[at]]
    if (before !== undefined && after !== undefined && (after.read < before.read || after.written < before.written))
      return points.slice(at)
  }
  return points
}

/** Records per second over the last `windowMs`; null while there is one point. */
export function rateOf(points: readonly Point[], value: 'read' | 'written', windowMs = 10_000): number | null {
  const current = sinceRestart(points)
  const last = current.at(-1)
  if (last === undefined) return null
  const first = current.findLast(({ time }) => time <= last.time - windowMs) ?? current[0]
  if (first === undefined || first === last) return null
  return ((last[value] - first[value]) * 1000) / (last.time - first.time)
}

/** One rate: at the end of the interval over which it was measured. */
export interface RatePoint {
  readonly time: number
  readonly perSecond: number | null
}

/** The rates between points that are at least `stepMs` apart; null where the tasks started again. */
export function ratesOf(points: readonly Point[], value: 'read' | 'written', stepMs: number): readonly RatePoint[] {
  const rates: RatePoint[] = []
  let from = points[0]
  for (const point of points) {
    if (from === undefined || point.time - from.time < stepMs) continue
    const records = point[value] - from[value]
    rates.push({ time: point.time, perSecond: records < 0 ? null : (records * 1000) / (point.time - from.time) })
    from = point
  }
  return rates
}

/**
 * How long ago the oldest record that was not read was written: since the topics ended where the sink reads now. Null while
 * nothing is known.
 */
export function lagTimeOf(points: readonly Point[]): LagTime | null {
  const current = sinceRestart(points)
  const last = current.at(-1)
  if (last === undefined || last.lag === null) return null
  if (last.lag === 0) return { seconds: 0, isAtLeast: false }
  const at = current.findLastIndex(({ read, lag }) => read + (lag ?? 0) <= last.read)
  const since = current[at] ?? current[0] ?? last
  return { seconds: (last.time - since.time) / 1000, isAtLeast: at === -1 }
}
