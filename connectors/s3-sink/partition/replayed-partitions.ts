import type { OffsetToCommit, OpenedPartition, TopicPartition } from 'penstock/api'

/**
 * The partitions of which dead letters are delivered again. Until that is committed, their objects have names of their own. The record
 * at `until` and the later ones are for objects as always: they are not taken before, and read again afterwards.
 */
export class ReplayedPartitions {
  /** By partition. */
  readonly #ends = new Map<string, number>()

  opened(at: OpenedPartition): void {
    if (at.replay === undefined) this.#ends.delete(nameOf(at))
    else this.#ends.set(nameOf(at), at.replay.until)
  }

  /** The offset before which records are delivered again; null: none are. */
  endOf(at: TopicPartition): number | null {
    return this.#ends.size === 0 ? null : (this.#ends.get(nameOf(at)) ?? null)
  }

  /** Whether everything is delivered again with the commit of this offset. Then it is forgotten. */
  ends({ offset, ...at }: OffsetToCommit): boolean {
    const end = this.endOf(at)
    if (end === null || offset < end) return false
    this.#ends.delete(nameOf(at))
    return true
  }

  closed(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#ends.delete(nameOf(at))
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
