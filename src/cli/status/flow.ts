import type { Activity, ConnectorActivity } from '../rest-client/penstock-entities.ts'
import { bytesText, durationText, grouped } from '../output/text.ts'

/** What a connector moves, summed over its tasks on this worker. Null: the server does not say. */
export interface Flow {
  readonly written: number | null
  readonly errors: number | null
  /** Records that a sink was not given yet. */
  readonly lag: number | null
  /** Of a source, the age of the oldest change that is not durable in its topic. */
  readonly behindSeconds: number | null
  readonly retainedBytes: number | null
}

const unknown: Flow = { written: null, errors: null, lag: null, behindSeconds: null, retainedBytes: null }

export function flowOf(connector: ConnectorActivity | undefined): Flow {
  const counts = (connector?.tasks ?? []).flatMap(({ activity }) => (activity === null ? [] : [activity]))
  if (counts.length === 0) return unknown
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)
  const most = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  }
  const lags = counts.flatMap(({ lag }) => lag.map(({ records }) => records))
  return {
    written: sum(counts.map(({ records_written: written }) => written)),
    errors: sum(counts.map(({ errors }) => errors)),
    // A task that failed, or has no partition, tells of none: that is not the same as no lag.
    lag: connector?.type === 'sink' && lags.length > 0 ? sum(lags) : null,
    behindSeconds: most(counts.map(({ behind_seconds: behind }) => behind)),
    retainedBytes: most(counts.map(({ wal_retained_bytes: bytes }) => bytes)),
  }
}

/** How far a connector is behind, in a few words; empty when the server does not say. */
export function lagText({ lag, behindSeconds, retainedBytes }: Flow): string {
  const parts = [
    ...(lag === null ? [] : [lag === 0 ? 'none' : `${grouped(lag)} records`]),
    ...(behindSeconds === null ? [] : [behindSeconds < 1 ? 'none' : durationText(behindSeconds * 1000)]),
    ...(retainedBytes === null ? [] : [`${bytesText(retainedBytes)} of WAL`]),
  ]
  return parts.join(', ')
}

/** Records a second between two looks at a worker, by connector; null for one whose tasks are new or gone. */
export function ratesBetween(before: Activity, after: Activity): ReadonlyMap<string, number | null> {
  const seconds = (after.time - before.time) / 1000
  return new Map(
    Object.entries(after.connectors).map(([name, connector]) => {
      const [from, to] = [flowOf(before.connectors[name]).written, flowOf(connector).written]
      // Counts begin again when a task starts again.
      const isKnown = from !== null && to !== null && to >= from && seconds > 0
      return [name, isKnown ? (to - from) / seconds : null]
    }),
  )
}
