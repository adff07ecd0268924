import type { RawConfig } from '../api/config-def.ts'
import type { TaskId } from '../config/connector/task-id.ts'

/** The state of a task that has not ended. */
export type TaskState = 'RUNNING' | 'PAUSED' | 'RESTARTING'

/** What a task is started with: its own config, and its connector's, which has converters, transforms and client settings. */
export interface TaskStart {
  readonly id: TaskId
  readonly connectorConfig: RawConfig
  readonly taskConfig: RawConfig
  readonly paused: boolean
}

/** One run of a task on a task thread. No two runs have the same incarnation. */
export interface TaskRun extends TaskStart {
  readonly incarnation: number
}
