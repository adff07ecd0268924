/** A task: its connector and its number, from 0. */
export interface TaskId {
  readonly connector: string
  readonly task: number
}

/** Returns the id as Connect writes it: `orders-sink-0`. */
export function formatTaskId(id: TaskId): string {
  return `${id.connector}-${id.task}`
}
