import { errorMessage } from '../foundation/error-message.ts'
import { ConfigError, ConnectError } from '../api/errors.ts'
import { BrokerError } from '../client/errors.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { TopicReader } from '../client/consumer/topic-reader.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { StateRecord, TopicWriter } from './topic-writer.ts'

/** What a log keeps, and for whom. */
export interface KafkaBasedLogOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  /** The worker setting that names the topic, for errors: `config.storage.topic`. */
  readonly setting: string
  /** What is lost when the topic forgets, for errors: `connector configurations`. */
  readonly contents: string
  readonly logger: Logger
  /** Called for each record in order within its partition, from the beginning; must not throw. */
  readonly onRecord: (record: FetchedRecord) => void
  /** Called when the topic cannot be read on. */
  readonly onError: (error: Error) => void
}

const compact = 'compact'
/** Codes after which the topic is taken to exist: looking at it will tell. */
const mayExist: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
  'POLICY_VIOLATION',
])

/**
 * State kept in a compacted topic: everybody reads all of it from the beginning and follows, and what was written comes
 * back as a record. The topic is made when it does not exist, with Connect's settings.
 */
export class KafkaBasedLog {
  readonly #options: KafkaBasedLogOptions
  readonly #reader: TopicReader
  /** `max.message.bytes` of the topic as it was opened; null when it could not be read. */
  readonly maxMessageBytes: number | null

  private constructor(options: KafkaBasedLogOptions, reader: TopicReader, maxMessageBytes: number | null) {
    this.#options = options
    this.#reader = reader
    this.maxMessageBytes = maxMessageBytes
  }

  /**
   * Makes or checks the topic and reads it to its end.
   * @throws ConfigError when its cleanup policy would lose state, ConnectError when it cannot be made or read.
   */
  static async open(options: KafkaBasedLogOptions, signal?: AbortSignal): Promise<KafkaBasedLog> {
    await ensureTopic(options, signal)
    const maxMessageBytes = await checkTopicConfigs(options, signal)
    const reader = options.client.topicReader({
      topic: options.topic.name,
      onRecord: options.onRecord,
      onError: (error) => options.onError(asTopicError(options.topic.name, error)),
    })
    try {
      await reader.start(signal)
      await reader.readToEnd(signal)
    } catch (error) {
      await reader.close()
      throw asTopicError(options.topic.name, error)
    }
    return new KafkaBasedLog(options, reader, maxMessageBytes)
  }

  get topic(): string {
    return this.#options.topic.name
  }

  get partitionCount(): number {
    return this.#reader.partitionCount
  }

  /** Writes records in order; resolves when they are durable. They have not been read back by then: see {@link readToEnd}. */
  async write(records: readonly StateRecord[]): Promise<void> {
    await this.#options.writer.write(this.topic, records)
  }

  /** Resolves when every record has been handed over that was in the topic when this was called. */
  async readToEnd(signal?: AbortSignal): Promise<void> {
    await this.#reader.readToEnd(signal)
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#reader.close()
  }
}

async function ensureTopic(options: KafkaBasedLogOptions, signal: AbortSignal | undefined): Promise<void> {
  const { name, partitions, replicationFactor, configs } = options.topic
  const prefix = options.setting.replace(/\.topic$/, '')
  try {
    const topic = { name, partitions, replicationFactor, configs: { ...configs, 'cleanup.policy': compact } }
    if (await options.client.admin.createTopic(topic, { signal })) {
      options.logger.info(`made topic ${name} for ${options.contents}`)
    }
  } catch (error) {
    if (error instanceof BrokerError && mayExist.has(error.codeName)) {
      options.logger.warn(`topic ${name} cannot be made (${error.codeName}); it is taken to exist`)
      return
    }
    const hint =
      error instanceof BrokerError && error.codeName === 'INVALID_REPLICATION_FACTOR'
        ? ` The cluster has fewer than ${replicationFactor} brokers: set ${prefix}.replication.factor.`
        : ''
    throw new ConnectError(`topic ${name} (${options.setting}) cannot be made: ${errorMessage(error)}.${hint}`, {
      cause: error,
    })
  }
}

/** Returns `max.message.bytes`, null when it cannot be read. @throws ConfigError when the topic would lose state. */
async function checkTopicConfigs(
  options: KafkaBasedLogOptions,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  const { name } = options.topic
  const { setting, contents } = options
  let policy: string | null
  let maxMessageBytes: number | null
  try {
    const configs = await options.client.admin.topicConfigs(name, { signal })
    policy = configs.get('cleanup.policy')?.value ?? null
    maxMessageBytes = numberOrNull(configs.get('max.message.bytes')?.value)
  } catch (error) {
    signal?.throwIfAborted()
    options.logger.warn(`the cleanup policy of topic ${name} could not be checked: ${errorMessage(error)}`)
    return null
  }
  if (policy === null || policy === compact) return maxMessageBytes
  throw new ConfigError(
    `Topic '${name}' supplied via the '${setting}' property is required to have 'cleanup.policy=${compact}' to guarantee ` +
      `consistency and durability of ${contents}, but found the topic currently has 'cleanup.policy=${policy}'. Continuing ` +
      `would likely result in eventually losing ${contents} and problems restarting this Connect cluster in the future. ` +
      `Change the '${setting}' property in the Connect worker configurations to use a topic with 'cleanup.policy=${compact}'.`,
  )
}

function numberOrNull(text: string | null | undefined): number | null {
  const number = Number(text ?? NaN)
  return Number.isSafeInteger(number) ? number : null
}

function asTopicError(topic: string, error: unknown): Error {
  if (error instanceof ConnectError || (error instanceof Error && error.name === 'AbortError')) return error
  return new ConnectError(`topic ${topic} cannot be read: ${errorMessage(error)}`, { cause: error })
}
