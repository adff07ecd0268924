import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import type { DurableOffset, OffsetToCommit } from '../../../api/task.ts'

interface Position extends TopicPartition {
  /** The offset after the last record that `put` accepted. */
  delivered: number
  /** The last committed offset, or the offset at which reading started. */
  committed: number
  /** Whether the task was given a record since the partition was assigned, or has chosen the position. */
  isUsed: boolean
}

/** An offset that a task asked to commit and that must not be committed. */
export interface RejectedOffset extends OffsetToCommit {
  readonly reason: string
}

/** The delivered and the committed offset of a sink task, for each of its partitions. */
export class SinkPositions {
  readonly #positions = new Map<string, Position>()

  /** The assigned partitions. */
  assignment(): readonly TopicPartition[] {
    return [...this.#positions.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  holds(partition: TopicPartition): boolean {
    return this.#positions.has(formatTopicPartition(partition))
  }

  assign(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      this.#positions.set(formatTopicPartition({ topic, partition }), {
        topic,
        partition,
        delivered: offset,
        committed: offset,
        isUsed: false,
      })
    }
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#positions.delete(formatTopicPartition(partition))
  }

  /** `put` has accepted everything before `offset`. */
  delivered(topic: string, partition: number, offset: number): void {
    const position = this.#positions.get(formatTopicPartition({ topic, partition }))
    if (position === undefined) return
    position.delivered = offset
    position.isUsed = true
  }

  /**
   * Counts offsets without a record as delivered: transaction markers, aborted records, compacted records. Otherwise such
   * offsets at the end of a partition would stay uncommitted, and be out of range once retention deletes them.
   * @param positionOf the next offset to read, when `put` has accepted all that was read; null if unknown
   */
  passed(positionOf: (partition: TopicPartition) => number | null): void {
    for (const position of this.#positions.values()) {
      position.delivered = Math.max(position.delivered, positionOf(position) ?? 0)
    }
  }

  /** Reading continues at `offset`, which may be an earlier one. */
  sought({ topic, partition, offset }: OffsetToCommit): void {
    this.delivered(topic, partition, offset)
  }

  /** Whether `open` may be called again for another offset without loss: the task has nothing of the partition yet. */
  isUnused(partition: TopicPartition): boolean {
    return this.#positions.get(formatTopicPartition(partition))?.isUsed === false
  }

  /** The upper bounds of what the task may report as durable. */
  current(): readonly OffsetToCommit[] {
    return [...this.#positions.values()].map(({ topic, partition, delivered }) => ({
      topic,
      partition,
      offset: delivered,
    }))
  }

  /** Splits the offsets that `preCommit` returned: those to commit, those already committed, and invalid ones (I3). */
  committable(offsets: readonly DurableOffset[]): {
    readonly commit: readonly OffsetToCommit[]
    readonly known: readonly OffsetToCommit[]
    readonly rejected: readonly RejectedOffset[]
  } {
    const commit: OffsetToCommit[] = []
    const known: OffsetToCommit[] = []
    const rejected: RejectedOffset[] = []
    for (const { topic, partition, offset, asProof = false } of offsets) {
      const position = this.#positions.get(formatTopicPartition({ topic, partition }))
      if (position === undefined)
        rejected.push({ topic, partition, offset, reason: 'the partition is not assigned to the task' })
      else if (offset > position.delivered) {
        rejected.push({
          topic,
          partition,
          offset,
          reason: `the task received only records before ${position.delivered}`,
        })
      } else (offset === position.committed && !asProof ? known : commit).push({ topic, partition, offset })
    }
    return { commit, known, rejected }
  }

  /** The offsets between the delivered one and the high watermark, for each partition whose high watermark is known. */
  lags(endOf: (partition: TopicPartition) => number | null): readonly (TopicPartition & { readonly lag: number })[] {
    return [...this.#positions.values()].flatMap((position) => {
      const { topic, partition, delivered } = position
      const end = endOf(position)
      return end === null ? [] : [{ topic, partition, lag: Math.max(0, end - delivered) }]
    })
  }

  /** The number of offsets that are delivered and not committed. */
  uncommitted(): number {
    let count = 0
    for (const { delivered, committed } of this.#positions.values()) count += Math.max(0, delivered - committed)
    return count
  }

  committed(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      const position = this.#positions.get(formatTopicPartition({ topic, partition }))
      if (position !== undefined) position.committed = offset
    }
  }
}

/** Returns the names of partitions, for messages. */
export function namesOf(partitions: readonly TopicPartition[]): string {
  return partitions.map(formatTopicPartition).join(', ')
}
