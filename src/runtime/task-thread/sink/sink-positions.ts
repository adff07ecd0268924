import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { DurableOffset, OffsetToCommit } from '../../../api/task.ts'

interface Position extends TopicPartition {
  /** The offset after the last record that `put` took. */
  delivered: number
  /** The last offset committed, or where reading began. */
  committed: number
}

/** Offsets a task asked to commit that may not be, with the reason. */
export interface RefusedOffset extends OffsetToCommit {
  readonly reason: string
}

/** Where a sink task stands in each partition it holds. */
export class SinkPositions {
  readonly #positions = new Map<string, Position>()

  /** The partitions held. */
  assignment(): readonly TopicPartition[] {
    return [...this.#positions.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  holds(topic: string, partition: number): boolean {
    return this.#positions.has(keyOf(topic, partition))
  }

  assign(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      this.#positions.set(keyOf(topic, partition), { topic, partition, delivered: offset, committed: offset })
    }
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#positions.delete(keyOf(topic, partition))
  }

  /** `put` took everything before `offset`. */
  delivered(topic: string, partition: number, offset: number): void {
    const position = this.#positions.get(keyOf(topic, partition))
    if (position !== undefined) position.delivered = offset
  }

  /**
   * Offsets that hold no record for the task lie behind it as well: markers and aborted records of transactions, what
   * compaction removed. Otherwise they stay uncommitted at the end of a log, and are missed when retention takes them.
   * @param positionOf where reading goes on, when `put` has taken all that was read; null where it is not known.
   */
  passed(positionOf: (partition: TopicPartition) => number | null): void {
    for (const position of this.#positions.values()) {
      position.delivered = Math.max(position.delivered, positionOf(position) ?? 0)
    }
  }

  /** Reading goes on at `offset`, which may lie behind. */
  sought({ topic, partition, offset }: OffsetToCommit): void {
    this.delivered(topic, partition, offset)
  }

  /** What the task may say is durable at most. */
  current(): readonly OffsetToCommit[] {
    return [...this.#positions.values()].map(({ topic, partition, delivered }) => ({
      topic,
      partition,
      offset: delivered,
    }))
  }

  /** Of the offsets a task answered, those that change something, those that are known to be committed, and wrong ones. */
  committable(offsets: readonly DurableOffset[]): {
    readonly commit: readonly OffsetToCommit[]
    readonly known: readonly OffsetToCommit[]
    readonly refused: readonly RefusedOffset[]
  } {
    const commit: OffsetToCommit[] = []
    const known: OffsetToCommit[] = []
    const refused: RefusedOffset[] = []
    for (const { topic, partition, offset, asProof = false } of offsets) {
      const position = this.#positions.get(keyOf(topic, partition))
      if (position === undefined)
        refused.push({ topic, partition, offset, reason: 'the task does not hold this partition' })
      else if (offset > position.delivered) {
        refused.push({ topic, partition, offset, reason: `it was only given records before ${position.delivered}` })
      } else (offset === position.committed && !asProof ? known : commit).push({ topic, partition, offset })
    }
    return { commit, known, refused }
  }

  /** Records between what was delivered and the end of the log, of each partition whose end is known. */
  lags(endOf: (partition: TopicPartition) => number | null): readonly (TopicPartition & { readonly lag: number })[] {
    return [...this.#positions.values()].flatMap((position) => {
      const { topic, partition, delivered } = position
      const end = endOf(position)
      return end === null ? [] : [{ topic, partition, lag: Math.max(0, end - delivered) }]
    })
  }

  /** Records, or their gaps, that were delivered and are not committed: what the target does not hold for sure. */
  uncommitted(): number {
    let count = 0
    for (const { delivered, committed } of this.#positions.values()) count += Math.max(0, delivered - committed)
    return count
  }

  committed(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      const position = this.#positions.get(keyOf(topic, partition))
      if (position !== undefined) position.committed = offset
    }
  }
}

/** The name of a partition, `topic-3`. */
export function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** The names of partitions, for messages. */
export function namesOf(partitions: readonly TopicPartition[]): string {
  return partitions.map(({ topic, partition }) => keyOf(topic, partition)).join(', ')
}
