import type { TopicPartition } from '../../foundation/topic-partition.ts'

/** Kafka's name of this way to share partitions. */
export const rangeAssignorName = 'range'

/**
 * Kafka's range assignor: for each topic the members that want it, in order of their ids, get runs of its partitions, the
 * first ones one more when it does not come out even. Every member is in the answer.
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
