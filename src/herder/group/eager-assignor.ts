import type { TaskId } from '../../config/connector/task-id.ts'
import type { ConnectorsAndTasks } from './assignment.ts'
import type { GroupWorker } from './cooperative-assignor.ts'
import { membersWithClass } from './members-with-class.ts'

/**
 * Assigns everything again, to members that have stopped everything: connectors by name in turn, then the tasks of each
 * connector (Kafka: EagerAssignor). A member that lacks the class of a connector is passed over, unless all do.
 */
export function assignEagerly(
  members: readonly Pick<GroupWorker, 'memberId' | 'hasClass'>[],
  { connectors, tasks }: ConnectorsAndTasks,
): ReadonlyMap<string, ConnectorsAndTasks> {
  const places = members
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map(({ memberId, hasClass }) => ({ memberId, hasClass, connectors: [] as string[], tasks: [] as TaskId[] }))
  const placesOf = membersWithClass(places)
  const placeOf = (turn: number, connector: string) => {
    const inTurn = places.map((_, i) => places[(turn + i) % places.length])
    return inTurn.find((place) => place !== undefined && placesOf(connector).includes(place))
  }
  const names = connectors.toSorted()
  for (const [turn, name] of names.entries()) placeOf(turn, name)?.connectors.push(name)
  for (const [turn, id] of tasks.toSorted(byName).entries()) placeOf(names.length + turn, id.connector)?.tasks.push(id)
  return new Map(
    places.map(({ memberId, connectors: own, tasks: ownTasks }) => [memberId, { connectors: own, tasks: ownTasks }]),
  )
}

function byName(a: TaskId, b: TaskId): number {
  if (a.connector === b.connector) return a.task - b.task
  return a.connector < b.connector ? -1 : 1
}
