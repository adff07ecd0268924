import {
  assignmentsOf,
  draftsOf,
  subscribedTopics,
  type Assignments,
  type Assignor,
  type SubscribedMember,
} from './assignor.ts'

/**
 * Kafka's [RangeAssignor](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/RangeAssignor.html): for each
 * topic, its members in order get ranges of partitions, the first members one partition more if the number is not divisible.
 */
export const rangeAssignor: Assignor = {
  name: 'range',
  isCooperative: false,
  userData: () => null,
  assign: assignRanges,
}

function assignRanges(given: readonly SubscribedMember[], partitionCounts: ReadonlyMap<string, number>): Assignments {
  const members = draftsOf(given)
  for (const topic of subscribedTopics(given)) {
    const count = partitionCounts.get(topic) ?? 0
    const wanting = members.filter((member) => member.topics.has(topic))
    const share = Math.floor(count / wanting.length)
    const extra = count % wanting.length
    let partition = 0
    for (const [index, { partitions }] of wanting.entries()) {
      const end = partition + share + (index < extra ? 1 : 0)
      for (; partition < end; partition += 1) partitions.push({ topic, partition })
    }
  }
  return assignmentsOf(members)
}
