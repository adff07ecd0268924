import { rmSync } from 'node:fs'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logger.ts'
import type { FileSystem } from '../log/file-system.ts'
import type { LogConfig } from '../log/log-config.ts'
import { LogError, StorageError } from '../log/log-error.ts'
import { PartitionLog } from '../log/partition-log.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import {
  randomUuid,
  readClusterFile,
  writeClusterFile,
  type ClusterMetadata,
  type TopicRecord,
} from './cluster-file.ts'
import { logConfigOf, type TopicOverrides } from './topic-configs.ts'
import { TopicError } from './topic-error.ts'
import { isInternalTopic } from './topic-name.ts'

/** A topic that can be written and read. */
export interface Topic {
  readonly name: string
  readonly id: string
  readonly configs: TopicOverrides
  readonly isInternal: boolean
  readonly partitions: readonly PartitionLog[]
}

/** What the topics live on. */
export interface TopicsOptions {
  readonly fs: FileSystem
  readonly dataDirectory: string
  readonly clock: Clock
  readonly logger: Logger
  /** What topics do not set themselves. */
  readonly logDefaults: LogConfig
}

/**
 * The topics of the broker and their logs. Changes run one at a time and are durable when they resolve; what callers may ask
 * for (names, counts, configs) is checked by the handlers before.
 */
export class Topics {
  readonly #options: TopicsOptions
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  readonly #deletionListeners = new Set<(name: string) => void>()
  #metadata: ClusterMetadata
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: TopicsOptions, metadata: ClusterMetadata) {
    this.#options = options
    this.#metadata = metadata
  }

  /** Opens all partitions of a data folder, after finishing deletions that were under way. */
  static async open(options: TopicsOptions): Promise<Topics> {
    const metadata = readClusterFile(options.fs, options.dataDirectory)
    const topics = new Topics(options, metadata)
    for (const record of metadata.deleting) await topics.#removeFolders(record)
    await topics.#save({ ...metadata, deleting: [] })
    for (const record of metadata.topics) topics.#hold(await topics.#openTopic(record))
    return topics
  }

  get clusterId(): string {
    return this.#metadata.clusterId
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  /** All topics, in the order of their creation. */
  all(): Iterable<Topic> {
    return this.#byName.values()
  }

  names(): Iterable<string> {
    return this.#byName.keys()
  }

  partition(name: string, index: number): PartitionLog | undefined {
    return this.#byName.get(name)?.partitions[index]
  }

  /** Calls `listener` with the name of every topic that is deleted. The answer stops it. */
  onDeleted(listener: (name: string) => void): () => void {
    this.#deletionListeners.add(listener)
    return () => this.#deletionListeners.delete(listener)
  }

  /** Creates a topic. @throws TopicError TOPIC_ALREADY_EXISTS, KAFKA_STORAGE_ERROR */
  create(name: string, partitionCount: number, configs: TopicOverrides): Promise<Topic> {
    return this.#inTurn(name, async () => {
      if (this.#byName.has(name))
        throw new TopicError(errorCodes.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
      const record: TopicRecord = { name, id: randomUuid(), partitionCount, configs }
      const topic = await this.#openTopic(record)
      try {
        await this.#save({ ...this.#metadata, topics: [...this.#metadata.topics, record] })
      } catch (error) {
        await closeAll(topic.partitions)
        throw error
      }
      this.#hold(topic)
      return topic
    })
  }

  /** The topic of that name, created with `partitionCount` partitions when there is none. */
  async ensure(name: string, partitionCount: number, configs: TopicOverrides = {}): Promise<Topic> {
    try {
      return this.#byName.get(name) ?? (await this.create(name, partitionCount, configs))
    } catch (error) {
      const existing = this.#byName.get(name)
      if (existing !== undefined) return existing // Somebody else was first.
      throw error
    }
  }

  /** Deletes a topic: it is gone for everybody at once, its folders follow. @throws TopicError UNKNOWN_TOPIC_OR_PARTITION */
  delete(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      const topic = this.#existing(name)
      const record = this.#recordOf(name)
      const topics = this.#metadata.topics.filter((other) => other.name !== name)
      await this.#save({ ...this.#metadata, topics, deleting: [...this.#metadata.deleting, record] })
      this.#byName.delete(name)
      this.#byId.delete(topic.id)
      for (const listener of this.#deletionListeners) listener(name)
      await closeAll(topic.partitions)
      await this.#removeFolders(record)
      await this.#save({
        ...this.#metadata,
        deleting: this.#metadata.deleting.filter((other) => other.id !== record.id),
      })
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
      const added = await this.#openPartitions({ ...this.#recordOf(name), partitionCount: count }, current)
      try {
        await this.#replaceRecord({ ...this.#recordOf(name), partitionCount: count })
      } catch (error) {
        await closeAll(added)
        throw error
      }
      return this.#hold({ ...topic, partitions: [...topic.partitions, ...added] })
    })
  }

  /** Replaces what a topic sets itself. @throws TopicError UNKNOWN_TOPIC_OR_PARTITION */
  setConfigs(name: string, change: (current: TopicOverrides) => TopicOverrides): Promise<Topic> {
    return this.#inTurn(name, async () => {
      const topic = this.#existing(name)
      const configs = change(topic.configs)
      await this.#replaceRecord({ ...this.#recordOf(name), configs })
      const logConfig = logConfigOf(configs, this.#options.logDefaults)
      for (const partition of topic.partitions) partition.updateConfig(logConfig)
      return this.#hold({ ...topic, configs })
    })
  }

  /** Closes all logs, after the change that is under way. */
  async close(): Promise<void> {
    await this.#turn
    await closeAll([...this.#byName.values()].flatMap((topic) => topic.partitions))
  }

  #existing(name: string): Topic {
    const topic = this.#byName.get(name)
    if (topic === undefined) throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
    return topic
  }

  #recordOf(name: string): TopicRecord {
    const record = this.#metadata.topics.find((candidate) => candidate.name === name)
    if (record === undefined)
      throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
    return record
  }

  #hold(topic: Topic): Topic {
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
    return topic
  }

  async #openTopic(record: TopicRecord): Promise<Topic> {
    const { name, id, configs } = record
    return { name, id, configs, isInternal: isInternalTopic(name), partitions: await this.#openPartitions(record, 0) }
  }

  async #openPartitions(record: TopicRecord, from: number): Promise<PartitionLog[]> {
    const { fs, clock, logger, logDefaults } = this.#options
    const config = logConfigOf(record.configs, logDefaults)
    const opened: PartitionLog[] = []
    try {
      for (let index = from; index < record.partitionCount; index += 1) {
        const directory = this.#folderOf(record.name, index)
        opened.push(await PartitionLog.open({ fs, directory, config, clock, logger }))
      }
    } catch (error) {
      await closeAll(opened)
      throw error
    }
    return opened
  }

  #folderOf(name: string, partition: number): string {
    return `${this.#options.dataDirectory}/${name}-${partition}`
  }

  /** Durable for the files: what a loss of power brought back would be found by a topic of the same name. */
  async #removeFolders(record: TopicRecord): Promise<void> {
    const { fs } = this.#options
    for (let index = 0; index < record.partitionCount; index += 1) {
      const folder = this.#folderOf(record.name, index)
      if (!fs.exists(folder)) continue
      for (const file of fs.list(folder)) fs.remove(`${folder}/${file}`)
      await fs.syncDirectory(folder)
      rmSync(folder, { recursive: true, force: true })
    }
  }

  #replaceRecord(record: TopicRecord): Promise<void> {
    const topics = this.#metadata.topics.map((other) => (other.name === record.name ? record : other))
    return this.#save({ ...this.#metadata, topics })
  }

  async #save(metadata: ClusterMetadata): Promise<void> {
    await writeClusterFile(this.#options.fs, this.#options.dataDirectory, metadata)
    this.#metadata = metadata
  }

  /** One change after the other; what the disk refuses is KAFKA_STORAGE_ERROR. */
  async #inTurn<T>(name: string, change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change)
    this.#turn = result.catch(() => undefined) // Whoever asked for the change hears of its failure.
    try {
      return await result
    } catch (error) {
      if (error instanceof TopicError || error instanceof LogError) throw error
      if (!(error instanceof Error && 'code' in error)) throw error
      throw new StorageError(`topic ${name} cannot be changed: ${error.message}`, { cause: error })
    }
  }
}

async function closeAll(partitions: readonly PartitionLog[]): Promise<void> {
  await Promise.all(partitions.map((partition) => partition.close()))
}
