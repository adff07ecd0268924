import type { ConnectorsAndTasks } from './assignment.ts'

/**
 * Assigns everything again, to members that have stopped everything: connectors by name in turn, then the tasks of each
 * connector (Kafka: EagerAssignor).
 */
export function assignEagerly(
  memberIds: readonly string[],
  { connectors, tasks }: ConnectorsAndTasks,
): ReadonlyMap<string, ConnectorsAndTasks> {
  const members = memberIds.toSorted()
  const given = new Map(members.map((id) => [id, { connectors: [] as string[], tasks: [...tasks].slice(0, 0) }]))
  let turn = 0
  const next = () => given.get(members[turn++ % members.length] ?? '')
  for (const connector of connectors.toSorted()) next()?.connectors.push(connector)
  const byName = (a: (typeof tasks)[number], b: (typeof tasks)[number]): number =>
    a.connector === b.connector ? a.task - b.task : a.connector < b.connector ? -1 : 1
  for (const task of tasks.toSorted(byName)) next()?.tasks.push(task)
  return given
}
