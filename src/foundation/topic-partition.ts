/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Returns `topic-partition`, as Kafka writes it. */
export function formatTopicPartition({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
