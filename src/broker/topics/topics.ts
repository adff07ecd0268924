import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { asStorageError } from '../../log/disk/disk-full.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import type { LogConfig } from '../../log/log-config.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import {
  clusterFileHolds,
  clusterFileSize,
  hasClusterFile,
  randomUuid,
  readClusterFile,
  writeClusterFile,
  type ClusterMetadata,
  type ObsoleteOffsets,
  type TopicRecord,
} from './cluster-file.ts'
import type { Conditions } from '../../foundation/metrics/conditions.ts'
import { defaultReserveBytes, DiskReserve } from '../data-directory/disk-reserve.ts'
import type { DiskWatch } from '../data-directory/disk-watch.ts'
import { PartitionDirectories } from './partition-directories.ts'
import { PartitionLogs } from './partition-logs.ts'
import { logConfigOf, type TopicOverrides } from '../settings/topic-configs.ts'
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

/**
 * Called when a topic is deleted, before its name can be used again: its committed offsets must not be returned any more.
 * Resolves with whether they are also gone from the disk; null when there are none.
 */
export type DeletionListener = (name: string) => Promise<boolean> | null

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
  readonly #deletionListeners = new Set<DeletionListener>()
  readonly #directories: PartitionDirectories
  readonly #logs: PartitionLogs
  readonly #reserve: DiskReserve
  /** Ids of deleted topics without stored offsets. */
  readonly #forgotten = new Set<string>()
  #metadata: ClusterMetadata
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: TopicsOptions, metadata: ClusterMetadata) {
    this.#options = options
    this.#metadata = metadata
    const { fs, dataDirectory, logger } = options
    this.#directories = new PartitionDirectories(fs, dataDirectory, logger)
    this.#reserve = new DiskReserve(fs, dataDirectory, logger)
    this.#logs = new PartitionLogs({ ...options, directories: this.#directories, reserve: this.#reserve })
  }

  /** Opens all partitions of a data directory, and completes deletions that were interrupted. */
  static async open(options: TopicsOptions): Promise<Topics> {
    const isNew = !hasClusterFile(options.fs, options.dataDirectory)
    const metadata = readClusterFile(options.fs, options.dataDirectory)
    const topics = new Topics(options, metadata)
    if (isNew) await topics.#save(metadata)
    topics.#directories.refuseUnknown(metadata)
    for (const [record, partitions] of await topics.#logs.openAll(metadata.topics))
      topics.#index.hold(topicOf(record, partitions))
    await topics.#finishDeletions()
    await topics.refillReserve()
    return topics
  }

  get clusterId(): string {
    return this.#metadata.clusterId
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
    const { deleting, obsoleteOffsets } = this.#metadata
    // While it is being deleted there is no other topic of that name.
    if (!this.#index.has(name) && deleting.some((record) => record.name === name)) return true
    return obsoleteOffsets.some((record) => record.name === name && offset < (record.before[partition] ?? 0))
  }

  /** Records that no stored offset is obsolete any more. If that cannot be saved, the next change saves it. */
  async offsetsForgotten(): Promise<void> {
    for (const { id } of [...this.#metadata.deleting, ...this.#metadata.obsoleteOffsets]) this.#forgotten.add(id)
    await this.#dropForgotten()
  }

  /** Calls `listener` for every deleted topic. Returns a function that removes it. */
  onDeleted(listener: DeletionListener): () => void {
    this.#deletionListeners.add(listener)
    return () => this.#deletionListeners.delete(listener)
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
        await this.#save({ ...this.#withoutDeleted(name), topics: [...this.#metadata.topics, record] })
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
      const record = this.#recordOf(name)
      const topics = this.#metadata.topics.filter((other) => other.name !== name)
      const decided = { ...this.#metadata, topics, deleting: [...this.#metadata.deleting, record] }
      await this.#reserve.use(() => this.#save(decided))
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
      const added = await this.#logs.create({ ...this.#recordOf(name), partitionCount: count }, current)
      try {
        await this.#replaceRecord({ ...this.#recordOf(name), partitionCount: count })
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
      await this.#reserve.use(() => this.#replaceRecord({ ...this.#recordOf(name), configs }))
      const logConfig = logConfigOf(configs, this.#options.logDefaults)
      for (const log of online(topic.partitions)) log.updateConfig(logConfig)
      return this.#index.hold({ ...topic, configs })
    })
  }

  /** Reserves space for the next deletion on a full disk, if there is any. */
  refillReserve(): Promise<void> {
    const { reserveBytes = defaultReserveBytes } = this.#options
    return this.#reserve.fill(Math.max(reserveBytes, 2 * clusterFileSize(this.#metadata)))
  }

  /** Tries to open offline partitions: their disk may work again. */
  retryOffline(): Promise<void> {
    const change = this.#turn.then(async () => {
      for (const topic of this.all()) {
        if (!topic.partitions.includes(null)) continue
        const [partitions] = (await this.#logs.openAll([this.#recordOf(topic.name)], topic.partitions)).values()
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

  #recordOf(name: string): TopicRecord {
    const record = this.#metadata.topics.find((candidate) => candidate.name === name)
    if (record === undefined)
      throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
    return record
  }

  #forgetOffsets(record: TopicRecord): void {
    const tasks = [...this.#deletionListeners].flatMap((listener) => listener(record.name) ?? [])
    if (tasks.length === 0) this.#forgotten.add(record.id)
    void Promise.all(tasks).then((done) => {
      if (tasks.length === 0 || done.includes(false)) return undefined
      this.#forgotten.add(record.id)
      return this.#dropForgotten()
    })
  }

  /** Saves that the tombstones were written. If that fails, the next start writes them again. */
  #dropForgotten(): Promise<void> {
    const change = this.#turn.then(async () => {
      const obsoleteOffsets = this.#metadata.obsoleteOffsets.filter(({ id }) => !this.#forgotten.has(id))
      if (obsoleteOffsets.length === this.#metadata.obsoleteOffsets.length) return
      await this.#save({ ...this.#metadata, obsoleteOffsets })
    })
    this.#turn = change.catch((error: unknown) => {
      this.#options.logger.warn('could not write metadata.json', { error: String(error) })
    })
    return this.#turn.then(() => undefined)
  }

  /** Removes the rest of deleted topics. Failures are retried later. */
  async #finishDeletions(): Promise<void> {
    let metadata = this.#metadata
    for (const { name, id } of metadata.deleting) {
      try {
        await this.#removeDeleted(name)
        metadata = this.#withoutDeleted(name, metadata)
      } catch (error) {
        const topic = { topic: name, id, error: String(error) }
        this.#options.logger.warn('could not remove the directories of a deleted topic; retrying later', topic)
      }
    }
    if (metadata === this.#metadata) return
    try {
      await this.#save(metadata)
    } catch (error) {
      this.#options.logger.warn('could not write metadata.json', { error: String(error) })
    }
  }

  async #removeDeleted(name: string): Promise<void> {
    for (const record of this.#metadata.deleting)
      if (record.name === name) await this.#directories.remove(record, this.#index.has(name))
  }

  /** Returns the metadata without deleted topics of that name, whose directories are gone. Their offsets may remain. */
  #withoutDeleted(name: string, metadata: ClusterMetadata = this.#metadata): ClusterMetadata {
    const gone = metadata.deleting.filter((record) => record.name === name)
    if (gone.length === 0) return metadata
    const before = this.#index.get(offsetsTopicName)?.partitions.map((log) => log?.logEndOffset ?? 0) ?? []
    const obsolete: ObsoleteOffsets[] = gone
      .filter(({ id }) => before.length > 0 && !this.#forgotten.has(id) && !this.#index.has(name))
      .map(({ id }) => ({ name, id, before }))
    const deleting = metadata.deleting.filter((record) => record.name !== name)
    return { ...metadata, deleting, obsoleteOffsets: [...metadata.obsoleteOffsets, ...obsolete] }
  }

  #replaceRecord(record: TopicRecord): Promise<void> {
    const topics = this.#metadata.topics.map((other) => (other.name === record.name ? record : other))
    return this.#save({ ...this.#metadata, topics })
  }

  async #save(metadata: ClusterMetadata): Promise<void> {
    const { fs, dataDirectory } = this.#options
    try {
      await writeClusterFile(fs, dataDirectory, metadata)
    } catch (error) {
      await this.#revert(metadata)
      throw error
    }
    this.#metadata = metadata
  }

  /** Undoes a change that failed after its file was replaced. Otherwise the next start would apply a rejected change. */
  async #revert(refused: ClusterMetadata): Promise<void> {
    const { fs, dataDirectory, logger } = this.#options
    try {
      if (clusterFileHolds(fs, dataDirectory, refused)) await writeClusterFile(fs, dataDirectory, this.#metadata)
    } catch (error) {
      const advice =
        'metadata.json contains a rejected change: the next start applies it unless another change succeeds first'
      logger.error(advice, { error: String(error) })
    }
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
