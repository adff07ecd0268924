import type { TaskId } from '../../config/connector/task-id.ts'
import type { ConnectorsAndTasks } from './assignment.ts'

/**
 * Assigns everything again, to members that have stopped everything: connectors by name in turn, then the tasks of each
 * connector (Kafka: EagerAssignor).
 */
export function assignEagerly(
  memberIds: readonly string[],
  { connectors, tasks }: ConnectorsAndTasks,
): ReadonlyMap<string, ConnectorsAndTasks> {
  const places = memberIds
    .toSorted()
    .map((memberId) => ({ memberId, connectors: [] as string[], tasks: [] as TaskId[] }))
  const names = connectors.toSorted()
  for (const [turn, name] of names.entries()) places[turn % places.length]?.connectors.push(name)
  for (const [turn, id] of tasks.toSorted(byName).entries())
    places[(names.length + turn) % places.length]?.tasks.push(id)
  return new Map(places.map(({ memberId, ...work }) => [memberId, work]))
}

function byName(a: TaskId, b: TaskId): number {
  if (a.connector === b.connector) return a.task - b.task
  return a.connector < b.connector ? -1 : 1
}
