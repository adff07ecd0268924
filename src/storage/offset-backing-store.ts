import { errorMessage } from '../foundation/error-message.ts'
import { ConnectError } from '../api/errors.ts'
import type { SourceOffset, SourcePartition } from '../api/record.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { KafkaBasedLog } from './kafka-based-log.ts'
import { decodeOffsetRecord, encodeOffsetKey, encodeOffsetValue, partitionIdentity } from './source-offset-record.ts'
import type { TopicWriter } from './topic-writer.ts'

/** A source partition and how far it is. */
export interface StoredOffset {
  readonly partition: SourcePartition
  readonly offset: SourceOffset
}

/** A change: a null offset forgets the partition. */
export interface OffsetChange {
  readonly partition: SourcePartition
  readonly offset: SourceOffset | null
}

/** What the offset store needs. */
export interface OffsetBackingStoreOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  readonly logger: Logger
  /** The worker setting that names the topic; `offset.storage.topic` unless a connector has one of its own. */
  readonly setting?: string
  readonly onError: (error: Error) => void
}

interface Entry extends StoredOffset {
  /** As it stands in the topic: rewritten byte for byte, or there would be two. */
  readonly key: Buffer
}

/** The offsets of source connectors in their topic. Tasks write them by themselves; here they are read and altered. */
export class OffsetBackingStore {
  readonly #log: KafkaBasedLog
  readonly #offsets: ReadonlyMap<string, ReadonlyMap<string, Entry>>

  private constructor(log: KafkaBasedLog, offsets: ReadonlyMap<string, ReadonlyMap<string, Entry>>) {
    this.#log = log
    this.#offsets = offsets
  }

  /** Reads the topic to its end; made when it does not exist. @throws ConfigError, ConnectError. */
  static async open(options: OffsetBackingStoreOptions, signal?: AbortSignal): Promise<OffsetBackingStore> {
    const offsets = new Map<string, Map<string, Entry>>()
    const { setting = 'offset.storage.topic' } = options
    const onRecord = (record: FetchedRecord): void => take(offsets, record, options)
    const log = await KafkaBasedLog.open(
      { ...options, setting, contents: 'source connector offsets', onRecord },
      signal,
    )
    return new OffsetBackingStore(log, offsets)
  }

  /** Resolves when everything has been read that was in the topic when this was called. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#log.readToEnd(signal)
  }

  /** The offsets of the partitions asked for, in order; null where there is none. As of the last {@link refresh}. */
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
   * @throws DataError when a value is nested, ConnectError.
   */
  async alter(connector: string, changes: readonly OffsetChange[], signal?: AbortSignal): Promise<void> {
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

  /** Forgets all offsets of a connector that does not run. */
  async reset(connector: string, signal?: AbortSignal): Promise<void> {
    const changes = this.offsetsOf(connector).map(({ partition }) => ({ partition, offset: null }))
    await this.alter(connector, changes, signal)
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#log.close()
  }
}

function take(
  offsets: Map<string, Map<string, Entry>>,
  record: FetchedRecord,
  { topic, logger }: OffsetBackingStoreOptions,
): void {
  try {
    const key = record.key?.toString('utf8') ?? null
    const { connector, partition, offset } = decodeOffsetRecord(key, record.value?.toString('utf8') ?? null)
    const identity = partitionIdentity(partition)
    const known = offsets.get(connector)
    if (offset === null) known?.delete(identity)
    else {
      // A view would keep the whole answer it came in.
      const entry = { partition, offset, key: Buffer.from(record.key ?? '') }
      if (known === undefined) offsets.set(connector, new Map([[identity, entry]]))
      else known.set(identity, entry)
    }
    if (offsets.get(connector)?.size === 0) offsets.delete(connector)
  } catch (error) {
    const reason = errorMessage(error)
    const place = `offset ${record.offset} of ${topic.name}-${record.partition}`
    logger.warn(`${place} is ignored: ${reason}`)
  }
}
