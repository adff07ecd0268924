import type { LabelledSample } from '../../foundation/metrics/meters.ts'

/** Records of a partition that a sink has not been given yet. */
export interface PartitionLag {
  readonly topic: string
  readonly partition: number
  readonly records: number
}

/** What a task of this worker has done since it started, and how far it is behind. */
export interface TaskActivity {
  /** Records that it has read: of its source, or of its topics. */
  recordsRead: number
  /** Records that the log has acknowledged, or that the sink has taken. */
  recordsWritten: number
  bytes: number
  /** Records that failed. */
  errors: number
  deadLetters: number
  /** A sink's. Empty: it has none, or holds no partition. */
  readonly partitions: PartitionLag[]
  /** Of a source: since the commit of its oldest change that is not durable yet. Null: it does not say. */
  behindSeconds: number | null
  walRetainedBytes: number | null
  /** The most WAL that Postgres keeps for a slot. */
  walBudgetBytes: number | null
  /** Of the snapshot in progress. */
  snapshotRows: number | null
  snapshotExpectedRows: number | null
  /** Codes of its conditions. */
  readonly conditions: string[]
}

type Take = (task: TaskActivity, value: number, labels: LabelledSample['labels']) => void

/** Which metrics are shown, by their names without `penstock_`. */
const shown: Readonly<Record<string, Take>> = {
  source_records_polled_total: (task, value) => void (task.recordsRead += value),
  sink_records_read_total: (task, value) => void (task.recordsRead += value),
  source_records_written_total: (task, value) => void (task.recordsWritten += value),
  sink_records_sent_total: (task, value) => void (task.recordsWritten += value),
  source_bytes_total: (task, value) => void (task.bytes += value),
  sink_bytes_total: (task, value) => void (task.bytes += value),
  task_error_record_errors_total: (task, value) => void (task.errors += value),
  task_error_dead_letter_requests_total: (task, value) => void (task.deadLetters += value),
  sink_lag_records: (task, records, { topic = '', partition = '0' }) =>
    void task.partitions.push({ topic, partition: Number(partition), records }),
  source_behind_seconds: (task, value) => void (task.behindSeconds = value),
  source_wal_retained_bytes: (task, value) => void (task.walRetainedBytes = value),
  source_wal_budget_bytes: (task, value) => void (task.walBudgetBytes = value),
  source_snapshot_rows: (task, value) => void (task.snapshotRows = value),
  source_snapshot_expected_rows: (task, value) => void (task.snapshotExpectedRows = value),
  task_condition: (task, value, { code = '' }) => void (value === 1 && task.conditions.push(code)),
}

function idle(): TaskActivity {
  return {
    recordsRead: 0,
    recordsWritten: 0,
    bytes: 0,
    errors: 0,
    deadLetters: 0,
    partitions: [],
    behindSeconds: null,
    walRetainedBytes: null,
    walBudgetBytes: null,
    snapshotRows: null,
    snapshotExpectedRows: null,
    conditions: [],
  }
}

/** The activity of each task that the samples name, by connector, then by number of the task. */
export function taskActivities(
  samples: readonly LabelledSample[],
): ReadonlyMap<string, ReadonlyMap<number, TaskActivity>> {
  const connectors = new Map<string, Map<number, TaskActivity>>()
  for (const { sample, labels } of samples) {
    const take = shown[sample.name]
    const { connector, task } = labels
    if (take === undefined || sample.kind === 'histogram' || connector === undefined || task === undefined) continue
    const tasks = connectors.get(connector) ?? new Map<number, TaskActivity>()
    connectors.set(connector, tasks)
    const activity = tasks.get(Number(task)) ?? idle()
    tasks.set(Number(task), activity)
    take(activity, sample.value, labels)
  }
  return connectors
}
