import { errorMessage } from '../foundation/error-message.ts'
import { isUtf8 } from 'node:buffer'

import type { RawConfig } from '../api/config-def.ts'
import { ConfigError, ConnectError, DataError } from '../api/errors.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import { ConfigTooLargeError } from '../config/connector/config-too-large-error.ts'
import type { SubmittedConfig } from '../config/definition/config-infos.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import { withDeadline } from '../foundation/async/deadline.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { TargetState } from '../config/connector/target-state.ts'
import { decodeConfigRecord, encodeConfigRecord, type ConfigRecord } from './config-record.ts'
import { KafkaBasedLog } from './kafka-based-log.ts'
import type { TopicWriter } from './topic-writer.ts'

export interface ConfigBackingStoreOptions {
  readonly client: KafkaClient
  /** That of the config topic alone: see {@link ConfigBackingStore.abandonWrites}. */
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  readonly clock: Clock
  readonly logger: Logger
  /** Reading the topic has failed permanently: the known configuration becomes outdated. */
  readonly onError: (error: Error) => void
}

/** Receives each record of the topic, in order. Null: a record without effect, or one that was logged and skipped. */
export type ConfigSubscriber = (record: ConfigRecord | null, offset: number) => void

const setting = 'config.storage.topic'
/** The deadline of an operation, writing and reading back, as in Connect. */
export const operationMs = 30_000
/**
 * The largest request of a Java worker's producer. The embedded broker accepts more, but a Java worker could not write
 * such a config back, and its owner could not return to Kafka Connect.
 */
const largestRecord = 1024 * 1024
/** The share that the record of a task needs beyond its connector's config: the task's class and number, and the batch. */
const headroom = 0.02

/**
 * The configuration in its topic (I4). A write resolves when it is durable and has been read back, so that the subscriber
 * has received it.
 */
export class ConfigBackingStore {
  readonly #options: ConfigBackingStoreOptions
  readonly #log: KafkaBasedLog
  /** Increases when writes are abandoned. */
  #term = 0

  constructor(options: ConfigBackingStoreOptions) {
    this.#options = options
    const topic = { ...options.topic, partitions: 1 }
    this.#log = new KafkaBasedLog({ ...options, topic, setting, contents: 'connector configurations' })
  }

  /**
   * Reads the topic to its end; a missing topic is created.
   * @param subscriber must not throw
   * @throws ConfigError when the topic has several partitions or loses records, ConnectError
   */
  async start(subscriber: ConfigSubscriber, signal?: AbortSignal): Promise<void> {
    await this.#checkPartitions(signal)
    await this.#log.start((record) => subscriber(this.#decoded(record), record.offset), signal)
  }

  /**
   * Checks that the config topic can hold the config, and the task configs, which are slightly larger.
   * @throws ConfigTooLargeError with the size and the limit
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

  /** Writes a connector's config; the target state first, if given, so that the connector never runs before it is known. */
  async putConnectorConfig(connector: string, config: RawConfig, state: TargetState | null = null): Promise<void> {
    const records: ConfigRecord[] = state === null ? [] : [{ type: 'target-state', connector, state }]
    await this.#put('connector configuration', [...records, { type: 'connector', connector, config }])
  }

  /** Removes a connector and its target state. Its task records stay, without effect. */
  async removeConnectorConfig(connector: string): Promise<void> {
    await this.#put('connector removal', [
      { type: 'connector', connector, config: null },
      { type: 'target-state', connector, state: null },
    ])
  }

  /** Writes the task configs of a connector. They take effect with the commit, written once they have been read back. */
  async putTaskConfigs(connector: string, configs: readonly RawConfig[]): Promise<void> {
    for (const [task, config] of configs.entries()) this.checkSize(connector, config, `config of task ${task}`)
    const tasks = configs.map((config, task) => ({ type: 'task' as const, connector, task, config }))
    const term = this.#term
    if (tasks.length > 0) await this.#put('task configurations', tasks)
    await this.#put('task commit', [{ type: 'commit', connector, tasks: configs.length }], term)
  }

  /** Writes how many tasks of an exactly-once source may run: older ones are fenced off. */
  async putTaskCount(connector: string, tasks: number): Promise<void> {
    await this.#put('task count', [{ type: 'tasks-fencing', connector, tasks }])
  }

  /** Writes the target state of a connector. */
  async putTargetState(connector: string, state: TargetState): Promise<void> {
    await this.#put('target state', [{ type: 'target-state', connector, state }])
  }

  /** Stops a connector: its set of task configs is empty from then on. Written at once, so that no crash separates the two. */
  async putStopped(connector: string): Promise<void> {
    await this.#put('target state', [
      { type: 'commit', connector, tasks: 0 },
      { type: 'target-state', connector, state: 'STOPPED' },
    ])
  }

  /** Asks each worker to restart what it runs of a connector. */
  async putRestartRequest(request: {
    readonly connector: string
    readonly onlyFailed: boolean
    readonly includeTasks: boolean
  }): Promise<void> {
    const { connector, onlyFailed, includeTasks } = request
    await this.#put('restart request', [{ type: 'restart', connector, onlyFailed, includeTasks }])
  }

  /** Sets the level of a logger on every worker. */
  async putLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#put('logger level', [{ type: 'logger-level', logger, level }])
  }

  /** Replaces the key with which workers sign their requests to each other. */
  async putSessionKey({
    key,
    algorithm,
    createdMs,
  }: {
    readonly key: Buffer
    readonly algorithm: string
    readonly createdMs: number
  }): Promise<void> {
    const record = {
      type: 'session-key',
      key: key.toString('base64'),
      algorithm,
      creationTimestamp: createdMs,
    } as const
    await this.#put('session key', [record])
  }

  /** Resolves when every record that was in the topic at the time of the call has been read. @throws ConnectError after 30 s */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#bounded('reading configurations', signal, (bound) => this.#log.readToEnd(bound))
  }

  /**
   * Fails the writes in progress, and sends none of them again: others decide about the configuration now, and a late write
   * would overwrite what they have written since. One that was sent may be written nevertheless.
   */
  async abandonWrites(reason: string): Promise<void> {
    this.#term += 1
    await this.#log.abandonWrites(reason)
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#log.close()
  }

  /** @param term that in which the operation began, of which this is a part */
  async #put(what: string, records: readonly ConfigRecord[], term = this.#term): Promise<void> {
    await this.#bounded(`writing ${what}`, undefined, async (bound) => {
      if (term !== this.#term) throw new ConnectError('the writes before it were abandoned')
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
      await withDeadline({ clock: this.#options.clock, ms: operationMs, signal }, action)
    } catch (error) {
      signal?.throwIfAborted()
      const reason = errorMessage(error)
      throw new ConnectError(`Error ${what} to Kafka topic ${this.#log.topic}: ${reason}`, { cause: error })
    }
  }

  /** As in Connect, a record that cannot be decoded is logged and skipped. */
  #decoded(record: FetchedRecord): ConfigRecord | null {
    const key = record.key?.toString('utf8') ?? null
    try {
      if (record.key !== null && !isUtf8(record.key)) throw new DataError('its key is not UTF-8')
      return decodeConfigRecord(key, record.value?.toString('utf8') ?? null)
    } catch (error) {
      const { topic, logger } = this.#options
      const reason = errorMessage(error)
      const place = `offset ${record.offset} of topic ${topic.name}`
      logger.error(`${place} (key ${clipped(key ?? 'null')}) is ignored: ${reason}`)
      return null
    }
  }

  async #checkPartitions(signal: AbortSignal | undefined): Promise<void> {
    const { client, topic } = this.#options
    const topics = await client.admin.describeTopics([topic.name], { signal })
    const count = topics.get(topic.name)?.partitions.length ?? 1
    if (count === 1) return
    throw new ConfigError(
      `Topic '${topic.name}' supplied via the '${setting}' property is required to have a single partition in order to ` +
        `guarantee consistency of connector configurations, but found ${count} partitions.`,
    )
  }
}
