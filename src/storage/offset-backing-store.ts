import { errorMessage } from '../foundation/error-message.ts'
import { ConnectError } from '../api/errors.ts'
import type { SourceOffsetChange } from '../api/connector.ts'
import type { SourceOffset, SourcePartition } from '../api/record.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { KafkaBasedLog } from './kafka-based-log.ts'
import { decodeOffsetRecord, encodeOffsetKey, encodeOffsetValue, partitionIdentity } from './source-offset-record.ts'
import type { TopicWriter } from './topic-writer.ts'

/** A source partition and its offset. */
export interface StoredOffset {
  readonly partition: SourcePartition
  readonly offset: SourceOffset
}

export interface OffsetBackingStoreOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  readonly logger: Logger
  /** Reading the topic has failed permanently. */
  readonly onError: (error: Error) => void
}

interface Entry extends StoredOffset {
  /** The key in the topic. A change repeats it byte for byte, or the topic would hold two offsets of one partition. */
  readonly key: Buffer
}

/** The offsets of source connectors in their topic. Tasks write them; here they are read and altered. */
export class OffsetBackingStore {
  readonly #options: OffsetBackingStoreOptions
  readonly #log: KafkaBasedLog
  /** By connector, then by {@link partitionIdentity}. */
  readonly #offsets = new Map<string, Map<string, Entry>>()

  constructor(options: OffsetBackingStoreOptions) {
    this.#options = options
    this.#log = new KafkaBasedLog({
      ...options,
      setting: 'offset.storage.topic',
      contents: 'source connector offsets',
    })
  }

  /** Reads the topic to its end; a missing topic is created. @throws ConfigError, ConnectError */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#log.start((record) => this.#apply(record), signal)
  }

  /** Resolves when every record that was in the topic at the time of the call has been read. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#log.readToEnd(signal)
  }

  /** Returns the offset of each partition, in order; null where there is none. As of the last {@link refresh}. */
  read(connector: string, partitions: readonly SourcePartition[]): readonly (SourceOffset | null)[] {
    const known = this.#offsets.get(connector)
    return partitions.map((partition) => known?.get(partitionIdentity(partition))?.offset ?? null)
  }

  /** Whether no connector has an offset. As of the last {@link refresh}. */
  get isEmpty(): boolean {
    return this.#offsets.size === 0
  }

  /** All offsets of a connector. As of the last {@link refresh}. */
  offsetsOf(connector: string): readonly StoredOffset[] {
    const entries = this.#offsets.get(connector)?.values() ?? []
    return [...entries].map(({ partition, offset }) => ({ partition, offset }))
  }

  /**
   * Alters offsets of a connector that does not run; resolves when they are durable and have been read back.
   * @throws DataError when a value is nested, ConnectError
   */
  async alter(connector: string, changes: readonly SourceOffsetChange[], signal?: AbortSignal): Promise<void> {
    const known = this.#offsets.get(connector)
    const records = changes.map(({ partition, offset }) => ({
      key: known?.get(partitionIdentity(partition))?.key ?? encodeOffsetKey(connector, partition),
      value: encodeOffsetValue(offset),
    }))
    try {
      await this.#log.write(records)
      await this.#log.readToEnd(signal)
    } catch (error) {
      signal?.throwIfAborted()
      const reason = errorMessage(error)
      throw new ConnectError(`the offsets of connector ${connector} could not be altered: ${reason}`, { cause: error })
    }
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#log.close()
  }

  /** As in Connect, a record that cannot be decoded is logged and skipped. */
  #apply(record: FetchedRecord): void {
    try {
      const key = record.key?.toString('utf8') ?? null
      const { connector, partition, offset } = decodeOffsetRecord(key, record.value?.toString('utf8') ?? null)
      const identity = partitionIdentity(partition)
      const known = this.#offsets.get(connector)
      if (offset === null) {
        known?.delete(identity)
        if (known?.size === 0) this.#offsets.delete(connector)
        return
      }
      // Copied: a view of the key would keep the whole response in memory.
      const entry = { partition, offset, key: Buffer.from(record.key ?? '') }
      if (known === undefined) this.#offsets.set(connector, new Map([[identity, entry]]))
      else known.set(identity, entry)
    } catch (error) {
      const { topic, logger } = this.#options
      const reason = errorMessage(error)
      logger.warn(`offset ${record.offset} of ${topic.name}-${record.partition} is ignored: ${reason}`)
    }
  }
}
