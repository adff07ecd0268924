import { withDeadline } from '../foundation/async/deadline.ts'
import type { TargetState } from '../config/connector/target-state.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { isUtf8 } from 'node:buffer'

import type { RawConfig } from '../api/config-def.ts'
import { ConfigError, ConnectError, DataError } from '../api/errors.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import { ConfigTooLargeError } from '../config/connector/config-too-large-error.ts'
import type { SubmittedConfig } from '../config/definition/config-infos.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { decodeConfigRecord, encodeConfigRecord, type ConfigRecord } from './config-record.ts'
import { KafkaBasedLog } from './kafka-based-log.ts'
import type { TopicWriter } from './topic-writer.ts'

/** What the config store needs, and who listens to it. */
export interface ConfigBackingStoreOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  readonly clock: Clock
  readonly logger: Logger
  /** Each record in order. Null: one that means nothing, or could not be read and was logged. Must not throw. */
  readonly onRecord: (record: ConfigRecord | null, offset: number) => void
  /** The topic cannot be read on: what is known grows old. */
  readonly onError: (error: Error) => void
}

const setting = 'config.storage.topic'
/** Time of a whole operation, writing and reading back, as in Connect. */
const operationMs = 30_000
/**
 * The largest request of a Java worker's producer. The embedded topic takes more, but a config that a Java worker could
 * not write back would bind its owner to this worker.
 */
const largestRecord = 1024 * 1024
/** What the record of a task has beyond its connector's config: the task's class and number, and the batch around it. */
const headroom = 0.02

/**
 * The configuration in its topic (I4). Writes resolve when they are durable and have been read back, so that the fold of
 * whoever wrote has them.
 */
export class ConfigBackingStore {
  readonly #log: KafkaBasedLog
  readonly #clock: Clock

  private constructor(log: KafkaBasedLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /**
   * Reads the topic to its end; made when it does not exist.
   * @throws ConfigError when it has several partitions or loses records, ConnectError.
   */
  static async open(options: ConfigBackingStoreOptions, signal?: AbortSignal): Promise<ConfigBackingStore> {
    const { topic, clock } = options
    await checkPartitions(options, signal)
    const log = await KafkaBasedLog.open(
      {
        ...options,
        topic: { ...topic, partitions: 1 },
        setting,
        contents: 'connector configurations',
        onRecord: (record) => options.onRecord(decoded(record, options), record.offset),
      },
      signal,
    )
    return new ConfigBackingStore(log, clock)
  }

  /**
   * Whether the config topic can hold the config, and its tasks' configs, which are little larger.
   * @throws ConfigTooLargeError with both sizes
   */
  checkSize(connector: string, config: SubmittedConfig, what = 'config'): void {
    const most = Math.floor(Math.min(this.#log.maxMessageBytes ?? largestRecord, largestRecord) * (1 - headroom))
    const given = Object.fromEntries(Object.entries(config).filter((entry) => entry[1] !== null)) as RawConfig
    const { value } = encodeConfigRecord({ type: 'connector', connector, config: given })
    const bytes = Buffer.byteLength(value ?? '')
    if (bytes <= most) return
    throw new ConfigTooLargeError(
      `the ${what} of connector ${clipped(connector)} has ${bytes} bytes; topic ${this.#log.topic} takes at most ${most}. ` +
        'Shorten its values, or keep large ones in a file that the connector reads.',
      { code: 'CONFIG_TOO_LARGE' },
    )
  }

  /** Stores a connector's config; with a target state that one first, so that it never runs before it is known. */
  async putConnectorConfig(connector: string, config: RawConfig, state: TargetState | null = null): Promise<void> {
    const records: ConfigRecord[] = state === null ? [] : [{ type: 'target-state', connector, state }]
    await this.#put('connector configuration', [...records, { type: 'connector', connector, config }])
  }

  /** Removes a connector and its target state. Its task records stay and mean nothing any more. */
  async removeConnectorConfig(connector: string): Promise<void> {
    await this.#put('connector removal', [
      { type: 'connector', connector, config: null },
      { type: 'target-state', connector, state: null },
    ])
  }

  /** Stores the task configs of a connector: they count from the commit on, which is written once they have been read back. */
  async putTaskConfigs(connector: string, configs: readonly RawConfig[]): Promise<void> {
    for (const [task, config] of configs.entries()) this.checkSize(connector, config, `config of task ${task}`)
    const tasks = configs.map((config, task) => ({ type: 'task' as const, connector, task, config }))
    if (tasks.length > 0) await this.#put('task configurations', tasks)
    await this.#put('task commit', [{ type: 'commit', connector, tasks: configs.length }])
  }

  /** Stores what a connector is meant to do. */
  async putTargetState(connector: string, state: TargetState): Promise<void> {
    await this.#put('target state', [{ type: 'target-state', connector, state }])
  }

  /** Asks every worker to restart what it runs of a connector. */
  async putRestartRequest(request: {
    readonly connector: string
    readonly onlyFailed: boolean
    readonly includeTasks: boolean
  }): Promise<void> {
    const { connector, onlyFailed, includeTasks } = request
    await this.#put('restart request', [{ type: 'restart', connector, onlyFailed, includeTasks }])
  }

  /** Stores the key that requests between workers are signed with; `key` is base64. */
  async putSessionKey(key: string, algorithm: string, creationTimestamp: number): Promise<void> {
    await this.#put('session key', [{ type: 'session-key', key, algorithm, creationTimestamp }])
  }

  /** Sets the level of a logger on every worker. */
  async putLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#put('logger level', [{ type: 'logger-level', logger, level }])
  }

  /** Resolves when everything has been read that was in the topic when this was called. @throws ConnectError after 30 s. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#bounded('reading configurations', signal, (bound) => this.#log.readToEnd(bound))
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#log.close()
  }

  async #put(what: string, records: readonly ConfigRecord[]): Promise<void> {
    await this.#bounded(`writing ${what}`, undefined, async (bound) => {
      await this.#log.write(records.map(encodeConfigRecord))
      await this.#log.readToEnd(bound)
    })
  }

  async #bounded(
    what: string,
    signal: AbortSignal | undefined,
    action: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    try {
      await withDeadline({ clock: this.#clock, ms: operationMs, signal }, action)
    } catch (error) {
      signal?.throwIfAborted()
      const reason = errorMessage(error)
      throw new ConnectError(`Error ${what} to Kafka topic ${this.#log.topic}: ${reason}`, { cause: error })
    }
  }
}

/** A record that cannot be read is logged by name and passed over, as Connect does. */
function decoded(record: FetchedRecord, { logger, topic }: ConfigBackingStoreOptions): ConfigRecord | null {
  const key = record.key?.toString('utf8') ?? null
  try {
    if (record.key !== null && !isUtf8(record.key)) throw new DataError('its key is not UTF-8')
    return decodeConfigRecord(key, record.value?.toString('utf8') ?? null)
  } catch (error) {
    const reason = errorMessage(error)
    logger.error(`offset ${record.offset} of topic ${topic.name} (key ${clipped(key ?? 'null')}) is ignored: ${reason}`)
    return null
  }
}

async function checkPartitions(
  { client, topic }: ConfigBackingStoreOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const count = (await client.admin.describeTopics([topic.name], { signal })).get(topic.name)?.partitions.length ?? 1
  if (count === 1) return
  throw new ConfigError(
    `Topic '${topic.name}' supplied via the '${setting}' property is required to have a single partition in order to ` +
      `guarantee consistency of connector configurations, but found ${count} partitions.`,
  )
}
