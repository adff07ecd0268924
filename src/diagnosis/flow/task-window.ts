import type { Sample } from '../../foundation/metrics/meters.ts'
import type { TaskFlow } from './task-flow.ts'

/** The measurements of one moment. */
interface Point {
  readonly at: number
  readonly moved: number
  readonly lag: number | null
  readonly uncommitted: number | null
  readonly partitions: number | null
  readonly putSeconds: number | null
  readonly rebalances: number | null
  readonly behind: number | null
  readonly retained: number | null
}

/** How far back the measurements reach, and how far apart they are kept. Milliseconds. */
const windowMs = 30_000
const strideMs = 1_500

/** The measurements of a running task over the last half minute. Times are monotonic milliseconds. */
export class TaskWindow {
  readonly #points: Point[] = []
  #last: Point | null = null
  #movedAt = 0
  /** When no record waited last. */
  #clearAt = 0
  /** When it held a partition last. */
  #heldAt = 0

  take(samples: readonly Sample[], at: number): void {
    const point = pointOf(samples, at)
    const before = this.#last
    if (before === null || point.moved !== before.moved) this.#movedAt = at
    if (before === null || !hasWaiting(point)) this.#clearAt = at
    if (before === null || point.partitions !== 0) this.#heldAt = at
    this.#last = point
    const newest = this.#points.at(-1)
    if (newest === undefined || at - newest.at >= strideMs) this.#points.push(point)
    while (this.#points.length > 2 && at - (this.#points[1]?.at ?? at) >= windowMs) this.#points.shift()
  }

  /** Null before the first measurement. */
  flow(now: number): TaskFlow | null {
    const [first, last] = [this.#points[0], this.#last]
    if (first === undefined || last === null) return null
    const seconds = (last.at - first.at) / 1000
    const perSecond = (amount: number): number => (seconds > 0 ? amount / seconds : 0)
    return {
      seconds,
      recordsPerSecond: perSecond(last.moved - first.moved),
      idleSeconds: (now - this.#movedAt) / 1000,
      stalledSeconds: hasWaiting(last) ? (now - Math.max(this.#movedAt, this.#clearAt)) / 1000 : 0,
      lagRecords: last.lag,
      lagPerSecond: last.lag === null ? null : perSecond(last.lag - (first.lag ?? last.lag)),
      uncommittedRecords: last.uncommitted,
      partitions: last.partitions,
      withoutPartitionsSeconds: last.partitions === 0 ? (now - this.#heldAt) / 1000 : 0,
      putShare: last.putSeconds === null ? null : perSecond(last.putSeconds - (first.putSeconds ?? 0)),
      rebalances: last.rebalances === null ? null : last.rebalances - (first.rebalances ?? 0),
      behindSeconds: last.behind,
      retainedBytes: last.retained,
    }
  }
}

function hasWaiting({ lag, behind }: Point): boolean {
  return (lag ?? 0) > 0 || (behind ?? 0) > 0
}

function pointOf(samples: readonly Sample[], at: number): Point {
  const values = new Map<string, number>()
  for (const sample of samples) {
    const value = sample.kind === 'histogram' ? sample.sum : sample.value
    values.set(sample.name, (values.get(sample.name) ?? 0) + value)
  }
  const of = (name: string): number | null => values.get(name) ?? null
  return {
    at,
    moved: of('source_records_written_total') ?? of('sink_records_sent_total') ?? 0,
    // A partition that was never measured has no lag yet.
    lag: values.has('sink_records_sent_total') ? (of('sink_lag_records') ?? 0) : null,
    uncommitted: of('sink_uncommitted_records'),
    partitions: of('sink_partitions'),
    putSeconds: of('sink_put_seconds'),
    rebalances: of('sink_rebalances_total'),
    behind: of('source_behind_seconds'),
    retained: of('source_wal_retained_bytes'),
  }
}
