import type { Activity, ConnectorEntry, TaskActivity, TaskEntry } from '../../../dashboard/model/activity.ts'

/** A task that runs here and has done nothing. */
export function taskEntry(over: Partial<TaskEntry> = {}, activity: Partial<TaskActivity> = {}): TaskEntry {
  const idle = { records_read: 0, records_written: 0, bytes: 0, errors: 0, dead_letters: 0 }
  const source = {
    lag: [],
    behind_seconds: null,
    wal_retained_bytes: null,
    wal_budget_bytes: null,
    snapshot: null,
    conditions: [],
  }
  return {
    id: 0,
    state: 'RUNNING',
    worker_id: 'w:1',
    trace: null,
    activity: { ...idle, ...source, ...activity },
    ...over,
  }
}

export function connectorEntry(over: Partial<ConnectorEntry> = {}): ConnectorEntry {
  return {
    type: 'sink',
    class: 'io.confluent.connect.s3.S3SinkConnector',
    state: 'RUNNING',
    worker_id: 'w:1',
    trace: null,
    topics: [],
    dead_letter_topic: null,
    tasks: [taskEntry()],
    ...over,
  }
}

export function activityOf(
  connectors: Readonly<Record<string, ConnectorEntry>>,
  conditions: readonly string[] = [],
): Activity {
  return {
    time: 60_000,
    caller: { user: null, role: 'admin', limited: false },
    worker: {
      id: 'w:1',
      version: '0.1.0',
      node: 'v24',
      kafka_cluster_id: 'c',
      started: 0,
      memory_bytes: 1,
      cpu_seconds: 1,
      task_threads: 1,
      conditions,
    },
    connectors,
  }
}
