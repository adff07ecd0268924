import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { asStorageError } from '../../log/disk/disk-full.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import type { LogConfig } from '../../log/log-config.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { randomUuid, type ClusterMetadata, type ObsoleteOffsets, type TopicRecord } from './cluster-file.ts'
import { DeletedTopicOffsets, type DeletionListener } from './deleted-topic-offsets.ts'
import type { Conditions } from '../../foundation/metrics/conditions.ts'
import { defaultReserveBytes, DiskReserve } from '../data-directory/disk-reserve.ts'
import type { DiskWatch } from '../data-directory/disk-watch.ts'
import { PartitionDirectories } from './partition-directories.ts'
import { PartitionLogs } from './partition-logs.ts'
import { logConfigOf, type TopicOverrides } from '../settings/topic-configs.ts'
import { StoredMetadata } from './stored-metadata.ts'
import { TopicError } from './topic-error.ts'
import { TopicIndex } from './topic-index.ts'
import { isInternalTopic, offsetsTopicName } from './topic-name.ts'

/** A topic that can be written and read. */
export interface Topic {
  readonly name: string
  readonly id: string
  readonly configs: TopicOverrides
  readonly isInternal: boolean
  /** Null: the partition could not be opened, and is offline. */
  readonly partitions: readonly (PartitionLog | null)[]
}

/** The options of {@link Topics}. */
export interface TopicsOptions {
  readonly fs: FileSystem
  readonly dataDirectory: string
  readonly clock: Clock
  readonly logger: Logger
  /** Defaults for configs that a topic does not set. */
  readonly logDefaults: LogConfig
  /** Bytes that are reserved for deletions on a full disk. */
  readonly reserveBytes?: number
  /** Receives failed writes. */
  readonly disk?: DiskWatch
  readonly conditions?: Conditions
}

/**
 * The topics of the broker and their partition logs. Changes run one at a time and are durable when they resolve (I1). The
 * handlers check names, counts and configs before.
 */
export class Topics {
  readonly #options: TopicsOptions
  readonly #index = new TopicIndex<Topic>()
  readonly #deletedOffsets = new DeletedTopicOffsets()
  readonly #directories: PartitionDirectories
  readonly #logs: PartitionLogs
  readonly #reserve: DiskReserve
  readonly #metadata: StoredMetadata
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: TopicsOptions, metadata: StoredMetadata) {
    this.#options = options
    this.#metadata = metadata
    const { fs, dataDirectory, logger } = options
    this.#directories = new PartitionDirectories(fs, dataDirectory, logger)
    this.#reserve = new DiskReserve(fs, dataDirectory, logger)
    this.#logs = new PartitionLogs({ ...options, directories: this.#directories, reserve: this.#reserve })
  }

  /** Opens all partitions of a data directory, and completes deletions that were interrupted. */
  static async open(options: TopicsOptions): Promise<Topics> {
    const metadata = await StoredMetadata.open(options)
    const topics = new Topics(options, metadata)
    topics.#directories.refuseUnknown(metadata.current)
    for (const [record, partitions] of await topics.#logs.openAll(metadata.current.topics))
      topics.#index.hold(topicOf(record, partitions))
    await topics.#finishDeletions()
    await topics.refillReserve()
    return topics
  }

  get clusterId(): string {
    return this.#metadata.current.clusterId
  }

  get(name: string): Topic | undefined {
    return this.#index.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#index.byId(id)
  }

  /** All topics, in the order of their creation. */
  all(): Iterable<Topic> {
    return this.#index.all()
  }

  /** @see TopicIndex.colliding */
  colliding(name: string): string | null {
    return this.#index.colliding(name)
  }

  /** Returns undefined when there is no such partition, null when it is offline. */
  partition(name: string, index: number): PartitionLog | null | undefined {
    return this.#index.get(name)?.partitions[index]
  }

  /** The ids of all idempotent producers that a partition remembers. */
  *producerIds(): Iterable<number> {
    for (const { partitions } of this.#index.all())
      for (const log of partitions) if (log !== null) yield* log.producers.entries.keys()
  }

  /** Returns whether a record of the offsets topic belongs to a deleted topic; another topic of that name may exist. */
  isObsolete(name: string, partition: number, offset: number): boolean {
    const { deleting, obsoleteOffsets } = this.#metadata.current
    // While it is being deleted there is no other topic of that name.
    if (!this.#index.has(name) && deleting.some((record) => record.name === name)) return true
    return obsoleteOffsets.some((record) => record.name === name && offset < (record.before[partition] ?? 0))
  }

  /** Records that no stored offset is obsolete any more. If that cannot be saved, the next change saves it. */
  async offsetsForgotten(): Promise<void> {
    const { deleting, obsoleteOffsets } = this.#metadata.current
    this.#deletedOffsets.forgotten([...deleting, ...obsoleteOffsets])
    await this.#dropForgotten()
  }

  /** @see DeletedTopicOffsets.onDeleted */
  onDeleted(listener: DeletionListener): () => void {
    return this.#deletedOffsets.onDeleted(listener)
  }

  /** Creates a topic. @throws TopicError TOPIC_ALREADY_EXISTS, KAFKA_STORAGE_ERROR */
  create(name: string, partitionCount: number, configs: TopicOverrides): Promise<Topic> {
    return this.#inTurn(name, async () => {
      if (this.#index.has(name))
        throw new TopicError(errorCodes.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
      const record: TopicRecord = { name, id: randomUuid(), partitionCount, configs }
      await this.#removeDeleted(name)
      const partitions = await this.#logs.create(record, 0)
      try {
        await this.#metadata.save({
          ...this.#withoutDeleted(name),
          topics: [...this.#metadata.current.topics, record],
        })
      } catch (error) {
        await this.#logs.discard(partitions)
        throw error
      }
      return this.#index.hold(topicOf(record, partitions))
    })
  }

  /** The topic of that name, created with `partitionCount` partitions when there is none. */
  async ensure(name: string, partitionCount: number, configs: TopicOverrides = {}): Promise<Topic> {
    try {
      return this.#index.get(name) ?? (await this.create(name, partitionCount, configs))
    } catch (error) {
      const existing = this.#index.get(name)
      if (existing !== undefined) return existing // Another client was first.
      throw error
    }
  }

  /** Deletes a topic. It disappears for all clients immediately; its directories are removed later. @throws TopicError */
  delete(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      const topic = this.#existing(name)
      const record = this.#metadata.recordOf(name)
      const { current } = this.#metadata
      const topics = current.topics.filter((other) => other.name !== name)
      const decided = { ...current, topics, deleting: [...current.deleting, record] }
      await this.#reserve.use(() => this.#metadata.save(decided))
      // The deletion is durable, and the next start completes it: later failures are not reported to the client.
      this.#index.remove(topic)
      this.#forgetOffsets(record)
      await this.#logs.discard(online(topic.partitions))
      this.#logs.forget(name)
      await this.#finishDeletions()
      await this.refillReserve()
    })
  }

  /** Raises the number of partitions to `count`. @throws TopicError UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS */
  addPartitions(name: string, count: number): Promise<Topic> {
    return this.#inTurn(name, async () => {
      const topic = this.#existing(name)
      const current = topic.partitions.length
      if (count <= current) {
        throw new TopicError(
          errorCodes.INVALID_PARTITIONS,
          `The topic ${name} currently has ${current} partition(s); ${count} would not be an increase.`,
        )
      }
      const record = { ...this.#metadata.recordOf(name), partitionCount: count }
      const added = await this.#logs.create(record, current)
      try {
        await this.#metadata.replaceRecord(record)
      } catch (error) {
        await this.#logs.discard(added)
        throw error
      }
      return this.#index.hold({ ...topic, partitions: [...topic.partitions, ...added] })
    })
  }

  /** Replaces what a topic sets itself. @throws TopicError UNKNOWN_TOPIC_OR_PARTITION */
  setConfigs(name: string, change: (current: TopicOverrides) => TopicOverrides): Promise<Topic> {
    return this.#inTurn(name, async () => {
      const topic = this.#existing(name)
      const configs = change(topic.configs)
      await this.#reserve.use(() => this.#metadata.replaceRecord({ ...this.#metadata.recordOf(name), configs }))
      const logConfig = logConfigOf(configs, this.#options.logDefaults)
      for (const log of online(topic.partitions)) log.updateConfig(logConfig)
      return this.#index.hold({ ...topic, configs })
    })
  }

  /** Reserves space for the next deletion on a full disk, if there is any. */
  refillReserve(): Promise<void> {
    const { reserveBytes = defaultReserveBytes } = this.#options
    return this.#reserve.fill(Math.max(reserveBytes, 2 * this.#metadata.sizeInBytes))
  }

  /** Tries to open offline partitions: their disk may work again. */
  retryOffline(): Promise<void> {
    const change = this.#turn.then(async () => {
      for (const topic of this.all()) {
        if (!topic.partitions.includes(null)) continue
        const [partitions] = (
          await this.#logs.openAll([this.#metadata.recordOf(topic.name)], topic.partitions)
        ).values()
        if (partitions !== undefined) this.#index.hold({ ...topic, partitions })
      }
      this.#logs.reportDamaged()
    })
    this.#turn = change.catch((error: unknown) =>
      this.#options.logger.error('could not open offline partitions', { error: String(error) }),
    )
    return this.#turn.then(() => undefined)
  }

  /** Reports a failed write. */
  writeFailed(error: unknown): void {
    this.#options.disk?.failed(error)
  }

  /** Closes all partition logs, after the change in progress. */
  async close(): Promise<void> {
    await this.#turn
    await this.#logs.close([...this.#index.all()].flatMap((topic) => online(topic.partitions)))
  }

  #existing(name: string): Topic {
    const topic = this.#index.get(name)
    if (topic === undefined) throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
    return topic
  }

  #forgetOffsets(record: TopicRecord): void {
    void this.#deletedOffsets.forget(record).then((areGone) => (areGone ? this.#dropForgotten() : undefined))
  }

  /** Saves that the tombstones were written. If that fails, the next start writes them again. */
  #dropForgotten(): Promise<void> {
    const change = this.#turn.then(async () => {
      const { current } = this.#metadata
      const obsoleteOffsets = this.#deletedOffsets.stored(current.obsoleteOffsets)
      if (obsoleteOffsets.length === current.obsoleteOffsets.length) return
      await this.#metadata.save({ ...current, obsoleteOffsets })
    })
    this.#turn = change.catch((error: unknown) => {
      this.#options.logger.warn('could not write metadata.json', { error: String(error) })
    })
    return this.#turn.then(() => undefined)
  }

  /** Removes the rest of deleted topics. Failures are retried later. */
  async #finishDeletions(): Promise<void> {
    let metadata = this.#metadata.current
    for (const { name, id } of metadata.deleting) {
      try {
        await this.#removeDeleted(name)
        metadata = this.#withoutDeleted(name, metadata)
      } catch (error) {
        const topic = { topic: name, id, error: String(error) }
        this.#options.logger.warn('could not remove the directories of a deleted topic; retrying later', topic)
      }
    }
    if (metadata === this.#metadata.current) return
    try {
      await this.#metadata.save(metadata)
    } catch (error) {
      this.#options.logger.warn('could not write metadata.json', { error: String(error) })
    }
  }

  async #removeDeleted(name: string): Promise<void> {
    for (const record of this.#metadata.current.deleting)
      if (record.name === name) await this.#directories.remove(record, this.#index.has(name))
  }

  /** Returns the metadata without deleted topics of that name, whose directories are gone. Their offsets may remain. */
  #withoutDeleted(name: string, metadata: ClusterMetadata = this.#metadata.current): ClusterMetadata {
    const gone = metadata.deleting.filter((record) => record.name === name)
    if (gone.length === 0) return metadata
    const before = this.#index.get(offsetsTopicName)?.partitions.map((log) => log?.logEndOffset ?? 0) ?? []
    const mayBeStored = before.length > 0 && !this.#index.has(name)
    const obsolete: ObsoleteOffsets[] = mayBeStored
      ? this.#deletedOffsets.stored(gone).map(({ id }) => ({ name, id, before }))
      : []
    const deleting = metadata.deleting.filter((record) => record.name !== name)
    return { ...metadata, deleting, obsoleteOffsets: [...metadata.obsoleteOffsets, ...obsolete] }
  }

  /** Runs changes one at a time. Failures of the disk become KAFKA_STORAGE_ERROR. */
  async #inTurn<T>(name: string, change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change)
    this.#turn = result.catch(() => undefined) // The caller of the change receives its failure.
    try {
      return await result
    } catch (error) {
      const { fs, dataDirectory } = this.#options
      this.writeFailed(error)
      throw asStorageError(fs, dataDirectory, error, `topic ${name} cannot be changed`)
    }
  }
}

function topicOf({ name, id, configs }: TopicRecord, partitions: Topic['partitions']): Topic {
  return { name, id, configs, isInternal: isInternalTopic(name), partitions }
}

function online(partitions: Topic['partitions']): PartitionLog[] {
  return partitions.filter((log) => log !== null)
}
