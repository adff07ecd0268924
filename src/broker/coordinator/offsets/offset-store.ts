import type { Clock } from '../../../foundation/clock.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import { encodeOffsetKey, encodeOffsetValue, offsetTombstones } from '../coordinator-records.ts'
import type { GroupRecordWriter } from './group-record-writer.ts'
import type { CommittedOffsets, OffsetToCommit } from './committed-offsets.ts'

const { NONE } = errorCodes

/** The outcome of a commit. The topics of the obsolete offsets were deleted while it was written. */
interface Written {
  readonly errorCode: number
  readonly obsolete: readonly TopicPartition[]
}

/**
 * Stores committed offsets: first on disk, then in memory (I1). Offsets of a deleted topic disappear from memory immediately,
 * so that a topic of the same name never gets them, and from the disk by tombstones.
 */
export class OffsetStore {
  readonly #writer: GroupRecordWriter
  readonly #offsets: CommittedOffsets
  readonly #clock: Clock
  readonly #onRemoved: (groupId: string) => Promise<void>
  /** How often each topic was deleted while this broker ran. */
  readonly #deletions = new Map<string, number>()
  /** Commits that are being written, by group. */
  readonly #commits = new Map<string, Set<Promise<Written>>>()

  /** @param options.onRemoved called after offsets of a group were removed: it may have none left. */
  constructor(options: {
    readonly writer: GroupRecordWriter
    readonly offsets: CommittedOffsets
    readonly clock: Clock
    readonly onRemoved: (groupId: string) => Promise<void>
  }) {
    this.#writer = options.writer
    this.#offsets = options.offsets
    this.#clock = options.clock
    this.#onRemoved = options.onRemoved
  }

  /** Commits all offsets or none. Returns an error code once they are durable. */
  async commit(groupId: string, offsets: readonly OffsetToCommit[]): Promise<number> {
    const { errorCode, obsolete } = await this.#tracked(groupId, this.#write(groupId, offsets))
    if (obsolete.length > 0) await this.#bury(groupId, obsolete)
    return errorCode
  }

  /** Deletes committed offsets. Returns an error code once that is durable. */
  async delete(groupId: string, partitions: readonly TopicPartition[]): Promise<number> {
    const failure = await this.#writeTombstones(groupId, partitions)
    if (failure !== NONE) return failure
    for (const { topic, partition } of partitions) this.#offsets.remove(groupId, topic, partition)
    await this.#onRemoved(groupId)
    return NONE
  }

  /**
   * Forgets what was committed for a deleted topic.
   * @returns null when there was nothing; else a promise of whether it is gone from the disk, too.
   */
  forgetTopic(topic: string): Promise<boolean> | null {
    this.#deletions.set(topic, (this.#deletions.get(topic) ?? 0) + 1)
    const gone = new Map<string, readonly TopicPartition[]>()
    for (const groupId of this.#offsets.groups()) {
      const partitions = this.#offsets.select(groupId, (name) => name === topic)
      if (partitions.length > 0) gone.set(groupId, partitions)
      for (const { partition } of partitions) this.#offsets.remove(groupId, topic, partition)
    }
    return gone.size === 0 ? null : this.bury(gone)
  }

  /** Writes tombstones for offsets of deleted topics, by group. Returns whether all were written. */
  async bury(gone: ReadonlyMap<string, readonly TopicPartition[]>): Promise<boolean> {
    const written = await Promise.all([...gone].map(([groupId, partitions]) => this.#bury(groupId, partitions)))
    return !written.includes(false)
  }

  /** Writes tombstones for offsets that are not in memory, except for those that are committed again meanwhile. */
  async #bury(groupId: string, partitions: readonly TopicPartition[]): Promise<boolean> {
    for (let writes = this.#commits.get(groupId); writes !== undefined; writes = this.#commits.get(groupId))
      await Promise.allSettled(writes)
    // A commit that starts after this check is written after the tombstones.
    const gone = partitions.filter(({ topic, partition }) => this.#offsets.get(groupId, topic, partition) === undefined)
    if ((await this.#writeTombstones(groupId, gone)) !== NONE) return false
    await this.#onRemoved(groupId)
    return true
  }

  #writeTombstones(groupId: string, partitions: readonly TopicPartition[]): Promise<number> {
    return this.#writer.append(groupId, () => offsetTombstones(groupId, partitions))
  }

  /** Stores offsets, then puts them into memory, except for those of topics that were deleted meanwhile. */
  async #write(groupId: string, offsets: readonly OffsetToCommit[]): Promise<Written> {
    const commitTimestampMs = this.#clock.now()
    const deletions = offsets.map(({ topic }) => this.#deletions.get(topic))
    const entries = offsets.map(({ topic, partition, offset, leaderEpoch, metadata }) => ({
      topic,
      partition,
      committed: { offset, leaderEpoch, metadata, commitTimestampMs },
    }))
    const errorCode = await this.#writer.append(groupId, () =>
      entries.map(({ topic, partition, committed }) => ({
        key: encodeOffsetKey(groupId, topic, partition),
        value: encodeOffsetValue(committed),
      })),
    )
    if (errorCode !== NONE) return { errorCode, obsolete: [] }
    const obsolete: TopicPartition[] = []
    for (const [place, { topic, partition, committed }] of entries.entries()) {
      if (this.#deletions.get(topic) !== deletions[place]) obsolete.push({ topic, partition })
      else this.#offsets.set(groupId, topic, partition, committed)
    }
    return { errorCode, obsolete }
  }

  async #tracked(groupId: string, write: Promise<Written>): Promise<Written> {
    const writes = this.#commits.get(groupId) ?? new Set()
    this.#commits.set(groupId, writes.add(write))
    try {
      return await write
    } finally {
      writes.delete(write)
      if (writes.size === 0) this.#commits.delete(groupId)
    }
  }
}
