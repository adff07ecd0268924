import type { SourceTaskContext } from 'penstock/api'
import type { CaptureSession } from './capture-session.ts'

type Metrics = SourceTaskContext['metrics']
type Gauge = ReturnType<Metrics['gauge']>

/** What the source measures once a second. */
export class SourceMeters {
  readonly #metrics: Metrics
  readonly #retained: Gauge
  readonly #behind: Gauge

  constructor(metrics: Metrics) {
    this.#metrics = metrics
    this.#retained = metrics.gauge('source_wal_retained_bytes', 'Bytes of WAL that the replication slot retains')
    this.#behind = metrics.gauge(
      'source_behind_seconds',
      'Seconds since the commit of the oldest change that is not durable in its topic yet; 0 when all are',
    )
  }

  /** Values of a session that there is not stay as they are: Postgres is unreachable. */
  measure(session: CaptureSession | null, behindMs: number): void {
    this.#behind.set(behindMs / 1000)
    if (session === null) return
    if (session.retainedBytes !== null) this.#retained.set(session.retainedBytes)
    const { walBudgetBytes: budget, snapshotProgress } = session
    const metrics = this.#metrics
    show(
      metrics.gauge(
        'source_wal_budget_bytes',
        'Bytes of WAL that Postgres keeps for the slot at most (max_slot_wal_keep_size); absent without limit',
      ),
      budget,
    )
    show(
      metrics.gauge('source_snapshot_rows', 'Rows that the snapshot in progress has read; absent when none is'),
      snapshotProgress?.rows ?? null,
    )
    show(
      metrics.gauge(
        'source_snapshot_expected_rows',
        'Rows of the snapshot in progress, as Postgres estimates; absent without an estimate',
      ),
      snapshotProgress?.expected ?? null,
    )
  }
}

/** Null: the gauge is not exposed. */
function show(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove()
  else gauge.set(value)
}
