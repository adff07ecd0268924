import type { TopicPartition } from '../../foundation/topic-partition.ts'

/** Kafka's name of this assignor. */
export const rangeAssignorName = 'range'

/**
 * Kafka's [RangeAssignor](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/RangeAssignor.html): for each
 * topic, its members in order of their ids get ranges of partitions, the first members one partition more if the number is not
 * divisible. Every member is in the result.
 */
export function assignRanges(
  subscriptions: ReadonlyMap<string, readonly string[]>,
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const members = [...subscriptions.keys()].sort()
  const assignments = new Map<string, TopicPartition[]>(members.map((member) => [member, []]))
  const topics = [...new Set([...subscriptions.values()].flat())].sort()
  for (const topic of topics) {
    const count = partitionCounts.get(topic) ?? 0
    const wanting = members.filter((member) => subscriptions.get(member)?.includes(topic) === true)
    const share = Math.floor(count / wanting.length)
    const extra = count % wanting.length
    let partition = 0
    for (const [index, member] of wanting.entries()) {
      const end = partition + share + (index < extra ? 1 : 0)
      for (; partition < end; partition += 1) assignments.get(member)?.push({ topic, partition })
    }
  }
  return assignments
}
