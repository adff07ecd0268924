/** The state of a connector or task, as Kafka Connect names it. */
export type RunState = 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'UNASSIGNED' | 'RESTARTING' | 'DESTROYED'

/** What a task has done since it started; counts of records and bytes. */
export interface TaskActivity {
  readonly records_read: number
  readonly records_written: number
  readonly bytes: number
  readonly errors: number
  readonly dead_letters: number
  readonly lag: readonly { readonly topic: string; readonly partition: number; readonly records: number }[]
  readonly behind_seconds: number | null
  readonly wal_retained_bytes: number | null
  /** The most WAL that Postgres keeps for a slot; null: without limit, or no source of Postgres. */
  readonly wal_budget_bytes: number | null
  /** The snapshot in progress; null: none is. */
  readonly snapshot: { readonly rows: number; readonly expected_rows: number | null } | null
  /** Codes. */
  readonly conditions: readonly string[]
}

export interface InstanceActivity {
  readonly state: RunState
  readonly worker_id: string
  /** Why it failed or waits; null if neither. */
  readonly trace: string | null
}

export interface TaskEntry extends InstanceActivity {
  readonly id: number
  /** Null: it runs on another worker, or does not run. */
  readonly activity: TaskActivity | null
}

export interface ConnectorEntry extends InstanceActivity {
  readonly type: 'source' | 'sink' | 'unknown'
  readonly class: string
  readonly topics: readonly string[]
  readonly dead_letter_topic: string | null
  readonly tasks: readonly TaskEntry[]
}

export interface WorkerEntry {
  readonly id: string
  readonly version: string | null
  readonly node: string | null
  readonly kafka_cluster_id: string | null
  /** In seconds of the epoch. */
  readonly started: number | null
  readonly memory_bytes: number | null
  readonly cpu_seconds: number | null
  readonly task_threads: number | null
  /** `CODE: text`. */
  readonly conditions: readonly string[]
}

/** The role of the caller: each includes those before it. */
export type Role = 'read' | 'operate' | 'admin'

/** The response of `GET /activity`. */
export interface Activity {
  /** In ms of the epoch, by the worker's clock. */
  readonly time: number
  readonly caller: { readonly user: string | null; readonly role: Role; readonly limited: boolean }
  readonly worker: WorkerEntry
  readonly connectors: Readonly<Record<string, ConnectorEntry>>
}

/** The response of `GET /activity/history`: points are `[time, read, written, lag]`. */
export interface ActivityHistory {
  readonly step_ms: number
  readonly connectors: Readonly<Record<string, readonly (readonly [number, number, number, number | null])[]>>
}

const roles: readonly Role[] = ['read', 'operate', 'admin']

export function hasRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}
