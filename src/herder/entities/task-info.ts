import type { TaskId } from '../../config/connector/task-id.ts'
import type { RawConfig } from '../../api/config-def.ts'

/** A task with the config its connector made for it. */
export interface TaskInfo {
  readonly id: TaskId
  readonly config: RawConfig
}
