import { errorMessage } from '../foundation/error-message.ts'
import { ConfigError, ConnectError } from '../api/errors.ts'
import { BrokerError } from '../client/errors.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { TopicReader } from '../client/consumer/topic-reader.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import { present } from '../foundation/assert.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { StateRecord, TopicWriter } from './topic-writer.ts'

export interface KafkaBasedLogOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  /** The worker setting that names the topic, for errors: `config.storage.topic`. */
  readonly setting: string
  /** What the topic holds, for errors: `connector configurations`. */
  readonly contents: string
  readonly logger: Logger
  /** Reading the topic has failed permanently. */
  readonly onError: (error: Error) => void
}

const compact = 'compact'
/** Errors of creating the topic after which it may exist: reading it shows whether it does. */
const mayExist: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
  'POLICY_VIOLATION',
])

/**
 * State in a compacted topic. Each worker reads the topic from its beginning and follows it, so what a worker writes
 * comes back to it as a record. A missing topic is created with Connect's settings.
 */
export class KafkaBasedLog {
  readonly #options: KafkaBasedLogOptions
  #reader: TopicReader | null = null
  #maxMessageBytes: number | null = null

  constructor(options: KafkaBasedLogOptions) {
    this.#options = options
  }

  /**
   * Creates or checks the topic, and reads it to its end.
   * @param onRecord receives each record from the beginning, in order within its partition; must not throw
   * @throws ConfigError when its cleanup policy would lose state, ConnectError when it cannot be created or read
   */
  async start(onRecord: (record: FetchedRecord) => void, signal?: AbortSignal): Promise<void> {
    const { client, topic, onError } = this.#options
    await ensureTopic(this.#options, signal)
    this.#maxMessageBytes = await checkTopicConfigs(this.#options, signal)
    const reader = client.topicReader({
      topic: topic.name,
      onRecord,
      onError: (error) => onError(asTopicError(topic.name, error)),
    })
    try {
      await reader.start(signal)
      await reader.readToEnd(signal)
    } catch (error) {
      await reader.close()
      throw asTopicError(topic.name, error)
    }
    this.#reader = reader
  }

  get topic(): string {
    return this.#options.topic.name
  }

  /** `max.message.bytes` of the topic when the log started; null when it could not be read. */
  get maxMessageBytes(): number | null {
    return this.#maxMessageBytes
  }

  /** Writes records in order; resolves when they are durable. They may not have been read back: see {@link readToEnd}. */
  async write(records: readonly StateRecord[]): Promise<void> {
    await this.#options.writer.write(this.topic, records)
  }

  /** As {@link TopicWriter.abandon}. */
  async abandonWrites(reason: string): Promise<void> {
    await this.#options.writer.abandon(reason)
  }

  /** Resolves when every record that was in the topic at the time of the call has been read. */
  async readToEnd(signal?: AbortSignal): Promise<void> {
    await present(this.#reader, 'the reader of a log that has started').readToEnd(signal)
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#reader?.close()
  }
}

async function ensureTopic(options: KafkaBasedLogOptions, signal: AbortSignal | undefined): Promise<void> {
  const { name, partitions, replicationFactor, configs } = options.topic
  const prefix = options.setting.replace(/\.topic$/, '')
  try {
    const topic = { name, partitions, replicationFactor, configs: { ...configs, 'cleanup.policy': compact } }
    if (await options.client.admin.createTopic(topic, { signal })) {
      options.logger.info(`created topic ${name} for ${options.contents}`)
    }
  } catch (error) {
    if (error instanceof BrokerError && mayExist.has(error.codeName)) {
      options.logger.warn(`topic ${name} cannot be created (${error.codeName}); assuming that it exists`)
      return
    }
    const hint =
      error instanceof BrokerError && error.codeName === 'INVALID_REPLICATION_FACTOR'
        ? ` The cluster has fewer than ${replicationFactor} brokers: set ${prefix}.replication.factor.`
        : ''
    throw new ConnectError(`topic ${name} (${options.setting}) cannot be created: ${errorMessage(error)}.${hint}`, {
      cause: error,
    })
  }
}

/** Returns `max.message.bytes`; null when it cannot be read. @throws ConfigError when the topic would lose state */
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
