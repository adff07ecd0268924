import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { CommittedOffset } from '../coordinator-records.ts'

/** An offset to commit. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

/** The value in responses for a partition without a committed offset. */
export const nothingCommitted: CommittedOffset = { offset: -1, leaderEpoch: -1, metadata: '', commitTimestampMs: -1 }

/** Memory of an offset besides its strings. */
const entryBytes = 256

/** Returns the bytes of memory that a committed offset takes. */
export function offsetBytes(topic: string, { metadata }: Pick<CommittedOffset, 'metadata'>): number {
  return entryBytes + topic.length + metadata.length
}

type ByPartition = Map<number, CommittedOffset>

/** The committed offsets of all groups, as they are on disk. */
export class CommittedOffsets {
  readonly #groups = new Map<string, Map<string, ByPartition>>()
  #bytes = 0

  /** Memory of all committed offsets. */
  get bytes(): number {
    return this.#bytes
  }

  groups(): Iterable<string> {
    return this.#groups.keys()
  }

  has(group: string): boolean {
    return this.#groups.has(group)
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition)
  }

  /** The committed offsets of a group, by topic and partition. */
  topicsOf(group: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#groups.get(group) ?? new Map()
  }

  set(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    const topics = this.#groups.get(group) ?? new Map<string, ByPartition>()
    const partitions = topics.get(topic) ?? new Map<number, CommittedOffset>()
    const former = partitions.get(partition)
    this.#bytes += offsetBytes(topic, committed) - (former === undefined ? 0 : offsetBytes(topic, former))
    this.#groups.set(group, topics.set(topic, partitions.set(partition, committed)))
  }

  remove(group: string, topic: string, partition: number): void {
    const topics = this.#groups.get(group)
    const partitions = topics?.get(topic)
    const former = partitions?.get(partition)
    if (former !== undefined) this.#bytes -= offsetBytes(topic, former)
    partitions?.delete(partition)
    if (partitions?.size === 0) topics?.delete(topic)
    if (topics?.size === 0) this.#groups.delete(group)
  }

  /** Returns the partitions whose committed offset of this group matches. */
  select(group: string, matches: (topic: string, committed: CommittedOffset) => boolean): TopicPartition[] {
    const found: TopicPartition[] = []
    for (const [topic, partitions] of this.topicsOf(group)) {
      for (const [partition, committed] of partitions) if (matches(topic, committed)) found.push({ topic, partition })
    }
    return found
  }
}
