import { type Assignments, type Assignor, inOrder, type SubscribedMember } from './assignor.ts'

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
  const members = inOrder(given).map(({ memberId, topics }) => ({ memberId, topics: new Set(topics) }))
  const assignments: Assignments = new Map(members.map(({ memberId }) => [memberId, []]))
  const topics = [...new Set(given.flatMap((member) => member.topics))].sort()
  for (const topic of topics) {
    const count = partitionCounts.get(topic) ?? 0
    const wanting = members.filter((member) => member.topics.has(topic))
    const share = Math.floor(count / wanting.length)
    const extra = count % wanting.length
    let partition = 0
    for (const [index, { memberId }] of wanting.entries()) {
      const end = partition + share + (index < extra ? 1 : 0)
      for (; partition < end; partition += 1) assignments.get(memberId)?.push({ topic, partition })
    }
  }
  return assignments
}
