import { formatTaskId, type TaskId } from '../../config/connector/task-id.ts'

/** Connectors and tasks: what one worker runs or is to run, or what the group is to run (Kafka: ConnectorsAndTasks). */
export interface ConnectorsAndTasks {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

export const nothingAssigned: ConnectorsAndTasks = { connectors: [], tasks: [] }

/** What a rebalance changes for a member. */
export interface AssignmentDelta {
  readonly assigned: ConnectorsAndTasks
  readonly revoked: ConnectorsAndTasks
}

/** Returns what a member runs after a rebalance. */
export function applyDelta(held: ConnectorsAndTasks, { assigned, revoked }: AssignmentDelta): ConnectorsAndTasks {
  return union(without(held, keysOf(revoked)), assigned)
}

/** Returns whether both hold the same connectors and tasks, in any order. */
export function sameWork(a: ConnectorsAndTasks, b: ConnectorsAndTasks): boolean {
  const keys = keysOf(a)
  const others = keysOf(b)
  return keys.size === others.size && [...keys].every((key) => others.has(key))
}

export function isEmpty({ connectors, tasks }: ConnectorsAndTasks): boolean {
  return connectors.length + tasks.length === 0
}

/** Returns everything that is in one or the other, once. */
export function union(a: ConnectorsAndTasks, b: ConnectorsAndTasks): ConnectorsAndTasks {
  const more = without(b, keysOf(a))
  return { connectors: [...a.connectors, ...more.connectors], tasks: [...a.tasks, ...more.tasks] }
}

export function without(work: ConnectorsAndTasks, gone: ReadonlySet<string>): ConnectorsAndTasks {
  return filterWork(work, (key) => !gone.has(key))
}

export function within(work: ConnectorsAndTasks, kept: ReadonlySet<string>): ConnectorsAndTasks {
  return filterWork(work, (key) => kept.has(key))
}

/** Texts that identify connectors and tasks in sets and maps. */
export function keysOf({ connectors, tasks }: ConnectorsAndTasks): ReadonlySet<string> {
  return new Set([...connectors.map(connectorKey), ...tasks.map(taskKey)])
}

export function connectorKey(name: string): string {
  return `c ${name}`
}

export function taskKey(id: TaskId): string {
  return `t ${formatTaskId(id)}`
}

function filterWork(work: ConnectorsAndTasks, keep: (key: string) => boolean): ConnectorsAndTasks {
  return {
    connectors: work.connectors.filter((name) => keep(connectorKey(name))),
    tasks: work.tasks.filter((id) => keep(taskKey(id))),
  }
}
