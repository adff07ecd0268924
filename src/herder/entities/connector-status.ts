import type { RunState } from '../../storage/status-record.ts'
import type { ConnectorType } from './connector-type.ts'

/** The status of one running thing. */
export interface InstanceStatus {
  /** As the worker last reported it. */
  readonly state: RunState
  /** `host:port` of the worker that reported it. */
  readonly workerId: string
  /** Why it failed or waits; null if neither. */
  readonly trace: string | null
}

/** The status of a task. */
export interface TaskStatus extends InstanceStatus {
  readonly id: number
}

/** A connector's status with that of its tasks, by number. */
export interface ConnectorStatus {
  readonly name: string
  readonly connector: InstanceStatus
  readonly tasks: readonly TaskStatus[]
  readonly type: ConnectorType
}
