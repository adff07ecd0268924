/** A task by its connector and number from 0. */
export interface TaskId {
  readonly connector: string
  readonly task: number
}

/** The id as Connect writes it: `orders-sink-0`. */
export function taskName(id: TaskId): string {
  return `${id.connector}-${id.task}`
}
