import {
  assignmentsOf,
  draftsOf,
  subscribedPartitions,
  type Assignments,
  type Assignor,
  type SubscribedMember,
} from './assignor.ts'

/**
 * Kafka's [RoundRobinAssignor](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/RoundRobinAssignor.html): the
 * partitions of all topics go to the members in turn; a member that does not subscribe to a topic is passed over.
 */
export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  isCooperative: false,
  userData: () => null,
  assign: assignInTurn,
}

function assignInTurn(given: readonly SubscribedMember[], partitionCounts: ReadonlyMap<string, number>): Assignments {
  const members = draftsOf(given)
  let next = 0
  for (const partition of subscribedPartitions(given, partitionCounts)) {
    while (members[next % members.length]?.topics.has(partition.topic) !== true) next += 1
    members[next % members.length]?.partitions.push(partition)
    next += 1
  }
  return assignmentsOf(members)
}
