import type { TaskId } from '../../config/connector/task-id.ts'

/** Connectors and tasks that one worker runs, or is to run. */
export interface WorkSet {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

export const noWork: WorkSet = { connectors: [], tasks: [] }
