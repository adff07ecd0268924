import type { ConnectorView } from './connector-view.ts'

import { count, duration } from './format.ts'
import { rateOf } from './history.ts'

/** The WAL that a slot retains, of the most that Postgres keeps for it. */
export interface SlotFigures {
  readonly retained: number
  readonly budget: number
  /** 0 to 1. */
  readonly share: number
}

/** Null: Postgres keeps WAL without limit, or nothing is known. */
export function slotFigures({ entry, walRetainedBytes }: ConnectorView): SlotFigures | null {
  const budget = entry.tasks.find(({ activity }) => (activity?.wal_budget_bytes ?? null) !== null)?.activity
    ?.wal_budget_bytes
  if (budget === undefined || budget === null || budget <= 0 || walRetainedBytes === null) return null
  return { retained: walRetainedBytes, budget, share: Math.min(1, walRetainedBytes / budget) }
}

/** How far the snapshot is that a source reads. */
export interface SnapshotProgress {
  readonly text: string
  /** 0 to 1; null: Postgres has no estimate of the rows. */
  readonly share: number | null
}

/** Null: no snapshot is in progress. The estimate is that of the last ANALYZE: a snapshot may read more rows. */
export function snapshotProgress({ entry, points }: ConnectorView): SnapshotProgress | null {
  const snapshot = entry.tasks.find(({ activity }) => (activity?.snapshot ?? null) !== null)?.activity?.snapshot
  if (snapshot === undefined || snapshot === null) return null
  const { rows, expected_rows: expected } = snapshot
  const perSecond = rateOf(points, 'read')
  if (expected === null || expected <= 0) return { text: `Snapshot: ${count(rows)} rows so far`, share: null }
  const left = Math.max(0, expected - rows)
  const rest = perSecond === null || perSecond <= 0 ? '' : `, ${duration(left / perSecond)} left`
  return {
    text: `Snapshot: ${count(rows)} of about ${count(expected)} rows${rest}`,
    share: Math.min(1, rows / expected),
  }
}
