import type { TaskId } from '../../config/connector/task-id.ts'

/** Connectors and tasks: what one worker runs or is to run, or what the group is to run (Kafka: ConnectorsAndTasks). */
export interface ConnectorsAndTasks {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

export const nothingAssigned: ConnectorsAndTasks = { connectors: [], tasks: [] }
