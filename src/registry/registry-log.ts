import { errorMessage } from '../foundation/error-message.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import { KafkaBasedLog } from '../storage/kafka-based-log.ts'
import type { StateRecord, TopicWriter } from '../storage/topic-writer.ts'
import { registryErrors } from './registry-error.ts'
import type { RegistryRecord } from './state/registry-record.ts'
import { RegistryState } from './state/registry-state.ts'

export interface RegistryLogOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: string
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly clock: Clock
  readonly logger: Logger
  /** Reading the topic has failed permanently. */
  readonly onError: (error: Error) => void
}

/** The setting that names the topic, for errors. */
const topicKey = 'schema.registry.topic'
/** What a batch has around the key and the value of its only record. */
const batchOverhead = 120

/** The header that holds {@link RegistryRecord.removes}. */
const removesHeader = 'penstock.removes'

/** The topic `_schemas`, and the state that its records make. */
export class RegistryLog {
  readonly state = new RegistryState()
  readonly #log: KafkaBasedLog
  readonly #streaks: LogStreaks
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor({ topic, replicationFactor, ...options }: RegistryLogOptions) {
    const { clock, logger } = options
    this.#log = new KafkaBasedLog({
      ...options,
      topic: { name: topic, partitions: 1, replicationFactor, configs: {} },
      setting: topicKey,
      contents: 'schemas',
    })
    this.#streaks = new LogStreaks(clock, logger)
  }

  /** Creates the topic if there is none, and reads it. @throws ConfigError, ConnectError as {@link KafkaBasedLog.start} */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#log.start((record) => this.#apply(record), signal)
  }

  /**
   * Resolves when all records were read that were in the topic at the time of the call. Calls at the same time share a
   * request: one is in flight, and one waits for its end.
   */
  async catchUp(): Promise<void> {
    if (this.#running === null) return await this.#read()
    this.#next ??= this.#running.then(
      async () => await this.#read(),
      async () => await this.#read(),
    )
    return await this.#next
  }

  /** Writes records in order, and reads them. @throws RegistryError 42209, 50001 */
  async write(records: readonly RegistryRecord[]): Promise<void> {
    const most = this.#log.maxMessageBytes
    for (const { key, value } of records) {
      const bytes = Buffer.byteLength(key) + Buffer.byteLength(value ?? '') + batchOverhead
      if (most !== null && bytes > most) throw registryErrors.tooLarge(bytes, most)
    }
    try {
      await this.#log.write(records.map(stateRecordOf))
      await this.catchUp()
    } catch (cause) {
      const { topic } = this.#log
      throw registryErrors.store(
        `The change may not be stored: topic ${topic}: ${errorMessage(cause)}. Retry it`,
        cause,
      )
    }
  }

  async close(): Promise<void> {
    await this.#log.close()
    this.#streaks.close()
  }

  async #read(): Promise<void> {
    this.#next = null
    this.#running = this.#log.readToEnd().finally(() => {
      this.#running = null
    })
    await this.#running
  }

  #apply({ key, value, timestamp, offset, headers }: FetchedRecord): void {
    const removes = headers.find((header) => header.key === removesHeader)?.value?.toString('utf8') ?? null
    let reason: string | null
    try {
      reason = this.state.apply(key?.toString('utf8') ?? '', value?.toString('utf8') ?? null, timestamp, removes)
    } catch (error) {
      reason = errorMessage(error)
    }
    if (reason === null) return
    const { topic } = this.#log
    this.#streaks.log(
      'warn',
      { kind: 'record', client: topic },
      `a record of topic ${topic} does not count: ${reason}`,
      {
        offset,
      },
    )
  }
}

function stateRecordOf({ key, value, removes }: RegistryRecord): StateRecord {
  const headers = removes === undefined ? [] : [{ key: removesHeader, value: Buffer.from(removes) }]
  return { key, value, headers }
}
