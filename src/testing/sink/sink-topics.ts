import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { SinkFixture } from './sink-options.ts'

/** Returns the topics of a case. */
export function topicsOf({ topics = ['first', 'second'] }: SinkFixture): readonly [string, string] {
  return topics
}

/** Returns the partitions of a case: two of one topic, one of another. */
export function partitionsOf(fixture: SinkFixture): readonly [TopicPartition, TopicPartition, TopicPartition] {
  const [first, second] = topicsOf(fixture)
  return [
    { topic: first, partition: 0 },
    { topic: first, partition: 1 },
    { topic: second, partition: 0 },
  ]
}
