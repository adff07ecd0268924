import type { DiagnosisFinding } from '../api/diagnosis/finding.ts'
import type { TaskFlow } from './flow/task-flow.ts'

/** The state of a connector or task, as its status has it. */
export interface ObservedStatus {
  readonly state: 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'UNASSIGNED' | 'RESTARTING'
  /** `host:port` of the worker that reported it. */
  readonly workerId: string
  readonly trace: string | null
}

export interface ObservedTask extends ObservedStatus {
  readonly id: number
  /** Null: it does not run, or its worker did not say. */
  readonly flow: TaskFlow | null
  /** How often it was restarted by itself in the last minutes; null when another worker runs it. */
  readonly restarts: number | null
}

/** What the log holds for a sink. */
export interface ObservedBacklog {
  readonly group: string
  /** Records behind the committed offsets. */
  readonly records: number
  /** Topics of the config that do not exist. */
  readonly missingTopics: readonly string[]
}

/** A condition of the worker or of its embedded broker. */
export interface ObservedCondition {
  readonly code: string
  readonly text: string
}

/** A worker that runs tasks by their statuses, and has not responded. */
export interface SilentWorker {
  /** `host:port`. */
  readonly worker: string
  readonly reason: string
  /** Whether nothing listens there; otherwise it may only be slow. */
  readonly isGone: boolean
}

/** What a connector's plugin has found. */
export type ObservedProbe =
  | { readonly kind: 'found'; readonly findings: readonly DiagnosisFinding[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'waits'; readonly seconds: number }

/** Everything that is known of a connector at one moment. */
export interface ConnectorObservations {
  readonly connector: string
  readonly type: 'source' | 'sink' | 'unknown'
  readonly target: 'STARTED' | 'PAUSED' | 'STOPPED'
  readonly config: Readonly<Record<string, string>>
  /** Null: no worker has reported the connector yet. */
  readonly status: ObservedStatus | null
  readonly tasks: readonly ObservedTask[]
  /** How many tasks the connector is to have. */
  readonly configuredTasks: number
  /** Null for sources, and when the log did not say in time. */
  readonly backlog: ObservedBacklog | null
  readonly probe: ObservedProbe
  readonly conditions: readonly ObservedCondition[]
  /** Workers that run tasks by their statuses and do not respond. */
  readonly silentWorkers: readonly SilentWorker[]
  /** When a line of a trace was seen first: milliseconds of the epoch. */
  readonly since: (task: number | null, line: string) => number | null
  /** Milliseconds of the epoch. */
  readonly now: number
  /** The URL of this worker's REST API, for commands. */
  readonly restUrl: string
}
