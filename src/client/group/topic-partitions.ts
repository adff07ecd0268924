import type { TopicPartition } from '../../foundation/topic-partition.ts'

/** The partitions of a topic, as requests and embedded formats have them. */
export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Returns the partitions by topic, in the order of their first ones. */
export function byTopic(partitions: readonly TopicPartition[]): TopicPartitions[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, [partition])
    else known.push(partition)
  }
  return [...topics].map(([topic, numbers]) => ({ topic, partitions: numbers }))
}

/** Undoes {@link byTopic}. */
export function ofTopics(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

/** Returns the partitions by topic name and number. */
export function sorted(partitions: readonly TopicPartition[]): TopicPartition[] {
  return partitions.toSorted((a, b) => {
    if (a.topic === b.topic) return a.partition - b.partition
    return a.topic < b.topic ? -1 : 1
  })
}
