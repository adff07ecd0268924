import type { Finding, Verdict } from '../../diagnosis/finding.ts'
import type { TaskFlow } from '../../diagnosis/flow/task-flow.ts'
import type { ConnectorType } from './connector-type.ts'
import type { RunState } from '../../storage/status-record.ts'

/** What moves through a task of a connector. */
export interface DiagnosedTask {
  readonly id: number
  readonly state: RunState
  readonly workerId: string
  /** Null: it does not run, or its worker did not say. */
  readonly flow: TaskFlow | null
  /** Restarts of the last minutes; null when another worker runs it. */
  readonly restarts: number | null
}

/** What keeps records from flowing through a connector. */
export interface ConnectorDiagnosis {
  readonly connector: string
  readonly type: ConnectorType
  /** Milliseconds of the epoch. */
  readonly checkedAt: number
  readonly verdict: Verdict
  /** The most binding first. */
  readonly findings: readonly Finding[]
  readonly tasks: readonly DiagnosedTask[]
  /** Of a sink: records behind its committed offsets; null when the log did not say in time. */
  readonly backlogRecords: number | null
}

/** What is wrong with a worker and with what it runs. */
export interface WorkerDiagnosis {
  readonly checkedAt: number
  /** The most severe first. */
  readonly findings: readonly {
    /** Null: the worker itself. */
    readonly connector: string | null
    readonly finding: Finding
  }[]
}

/** `worker`: only what this worker knows by itself, for another one that asks. */
export type DiagnosisScope = 'group' | 'worker'

/** Finds out what keeps records from flowing. */
export interface Diagnosis {
  /**
   * Within about a second: from statuses, measurements of the tasks on whatever worker, the log, and the connector's own look at
   * its server. @throws NotFoundError `Connector x not found`
   */
  ofConnector(connector: string, scope: DiagnosisScope, signal: AbortSignal): Promise<ConnectorDiagnosis>
  /** What this worker knows of itself, and of all connectors without asking others. */
  ofWorker(): WorkerDiagnosis
}
