import type { RawConfig } from '../../api/config-def.ts'
import type { TaskId } from './task-id.ts'

/** A task with the config its connector made for it. */
export interface TaskInfo {
  readonly id: TaskId
  readonly config: RawConfig
}
