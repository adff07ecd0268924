import type { ConnectorEntry, RunState, TaskEntry } from './activity.ts'
import type { LagTime, Point } from './history.ts'

import { lagTimeOf, rateOf } from './history.ts'

/** `DEGRADED`: it runs, and its trace says what it waits for or has skipped. */
export type ShownState = RunState | 'DEGRADED'

/** A connector as lists show it. */
export interface ConnectorView {
  readonly name: string
  readonly entry: ConnectorEntry
  readonly state: ShownState
  readonly running: number
  /** Whether a task of it runs on this worker, which then knows its counts. */
  readonly isCounted: boolean
  readonly readRate: number | null
  readonly writeRate: number | null
  readonly lagRecords: number | null
  readonly lagTime: LagTime | null
  readonly behindSeconds: number | null
  readonly walRetainedBytes: number | null
  readonly deadLetters: number
  readonly points: readonly Point[]
}

/** The sums of a connector's tasks on this worker; null: it has none here. */
export function pointOf(time: number, { tasks }: ConnectorEntry): Point | null {
  const counted = tasks.flatMap(({ activity }) => (activity === null ? [] : [activity]))
  if (counted.length === 0) return null
  const lags = counted.flatMap(({ lag }) => lag)
  return {
    time,
    read: sum(counted.map(({ records_read }) => records_read)),
    written: sum(counted.map(({ records_written }) => records_written)),
    lag: lags.length === 0 ? null : sum(lags.map(({ records }) => records)),
  }
}

export function connectorView(name: string, entry: ConnectorEntry, points: readonly Point[]): ConnectorView {
  const counted = entry.tasks.flatMap(({ activity }) => (activity === null ? [] : [activity]))
  const behind = counted.flatMap(({ behind_seconds }) => (behind_seconds === null ? [] : [behind_seconds]))
  const wal = counted.flatMap(({ wal_retained_bytes }) => (wal_retained_bytes === null ? [] : [wal_retained_bytes]))
  const isCounted = counted.length > 0
  return {
    name,
    entry,
    state: shownState(entry),
    running: entry.tasks.filter(({ state }) => state === 'RUNNING').length,
    isCounted,
    readRate: isCounted ? rateOf(points, 'read') : null,
    writeRate: isCounted ? rateOf(points, 'written') : null,
    lagRecords: isCounted ? (points.at(-1)?.lag ?? null) : null,
    lagTime: isCounted ? lagTimeOf(points) : null,
    behindSeconds: behind.length === 0 ? null : Math.max(...behind),
    walRetainedBytes: wal.length === 0 ? null : Math.max(...wal),
    deadLetters: sum(counted.map(({ dead_letters }) => dead_letters)),
    points,
  }
}

/** The state that matters most: a failed task makes a failed connector. */
export function shownState(entry: ConnectorEntry): ShownState {
  const all: readonly (ConnectorEntry | TaskEntry)[] = [entry, ...entry.tasks]
  if (all.some(({ state }) => state === 'FAILED')) return 'FAILED'
  if (entry.state !== 'RUNNING') return entry.state
  const other = entry.tasks.find(({ state }) => state !== 'RUNNING')
  if (other !== undefined) return other.state
  return all.some(({ trace }) => trace !== null) ? 'DEGRADED' : 'RUNNING'
}

const names = new Intl.Collator('en', { numeric: true })
const order: readonly ShownState[] = ['FAILED', 'DEGRADED', 'UNASSIGNED', 'RESTARTING', 'RUNNING', 'PAUSED', 'STOPPED']

/** Failed first, then by name. */
export function byUrgency(a: ConnectorView, b: ConnectorView): number {
  return order.indexOf(a.state) - order.indexOf(b.state) || names.compare(a.name, b.name)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
