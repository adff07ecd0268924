/** Entities of a worker of Penstock that Kafka Connect does not have, as openapi.yaml describes them. */
export interface Activity {
  /** The worker's clock in ms of the epoch. */
  readonly time: number
  readonly worker: {
    readonly id: string
    readonly version: string | null
    /** In seconds of the epoch. */
    readonly started: number | null
    readonly memory_bytes: number | null
    readonly cpu_seconds: number | null
    /** `CODE: text`. */
    readonly conditions: readonly string[]
  }
  readonly connectors: Readonly<Record<string, ConnectorActivity>>
}

export interface ConnectorActivity {
  readonly type: string
  readonly class: string
  readonly state: string
  readonly trace: string | null
  readonly tasks: readonly {
    readonly id: number
    readonly state: string
    readonly trace: string | null
    readonly activity: TaskCounts | null
  }[]
}

export interface TaskCounts {
  readonly records_read: number
  readonly records_written: number
  readonly errors: number
  readonly dead_letters: number
  readonly lag: readonly { readonly records: number }[]
  readonly behind_seconds: number | null
  readonly wal_retained_bytes: number | null
}

export interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly stage: string
  readonly task: number | null
  readonly since: string | null
  readonly cause: string
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>
  readonly fix: string
  readonly commands: readonly string[]
}

export interface ConnectorDiagnosis {
  readonly connector: string
  readonly type: string
  readonly checked_at: string
  readonly verdict: 'healthy' | 'degraded' | 'blocked'
  readonly findings: readonly Finding[]
  readonly flow: Readonly<Record<string, unknown>>
}

export interface WorkerDiagnosis {
  readonly checked_at: string
  readonly findings: readonly (Finding & { readonly connector: string | null })[]
}

export interface ErrorCause {
  readonly cause: string
  readonly stage: string
  readonly class: string
  readonly exception: string
  readonly message: string
  readonly count: number
  readonly replayed: number
  readonly first_time: string | null
  readonly last_time: string | null
  readonly example: {
    readonly message: string
    readonly dead_letter: { readonly partition: number; readonly offset: number }
    readonly record: {
      readonly topic: string | null
      readonly partition?: number | null
      readonly offset?: number | null
    }
  }
}

export interface ConnectorErrors {
  readonly topic: string
  readonly causes: readonly ErrorCause[]
  readonly unlisted: number
  readonly read: { readonly records: number; readonly own: number; readonly complete: boolean }
  readonly next: string | null
  readonly note: string | null
}

export interface ReplayRequest {
  readonly cause?: string
  readonly key?: string
  readonly limit?: number
}

export interface ErrorsReplay {
  readonly records: number
  readonly gone: number
  readonly more: boolean
  readonly message: string
}

export interface TopicSummary {
  readonly name: string
  readonly partitions: number
  readonly internal: boolean
  readonly records: number | null
  readonly connectors: readonly string[]
}

export interface TopicInfo {
  readonly name: string
  readonly internal: boolean
  readonly records: number | null
  readonly connectors: readonly string[]
  readonly partitions: readonly {
    readonly partition: number
    readonly leader: number | null
    readonly replicas: readonly number[]
    readonly start: number | null
    readonly end: number | null
  }[]
  readonly configs: Readonly<Record<string, { readonly value: string | null; readonly override: boolean }>>
}

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: string | null
  readonly key: unknown
  readonly value: unknown
  readonly headers: readonly { readonly key: string; readonly value: unknown }[]
  readonly error?: string
  readonly raw?: { readonly key: string | null; readonly value: string | null }
}

export interface Records {
  readonly topic: string
  readonly connector: string | null
  readonly next: string
  readonly note: string | null
  readonly records: readonly TopicRecord[]
}

/** The path of the newest record of a key. */
export interface Journey {
  readonly topic: string
  readonly commit: {
    readonly lsn: string | null
    readonly time: string | null
    readonly transaction: string | null
  } | null
  /** Null: no record of the key was found. */
  readonly log: { readonly partition: number; readonly offset: number; readonly time: string | null } | null
  readonly sinks: readonly SinkJourney[]
  /** What was not searched. */
  readonly note: string | null
}

export interface SinkJourney {
  readonly connector: string
  readonly committed_offset: number | null
  readonly committed: boolean
  readonly place: { readonly kind: string; readonly name: string; readonly version?: number | string | null } | null
  /** Why something is not known. */
  readonly note: string | null
}
