import { errorMessage } from '../foundation/error-message.ts'
import type { FetchedRecord } from '../client/consumer/fetched-record.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { InternalTopic } from '../config/worker/worker-config.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { KafkaBasedLog } from './kafka-based-log.ts'
import { StatusFold } from './status-fold.ts'
import { decodeStatusRecord, encodeStatusRecord, type RunStatus, type StatusRecord } from './status-record.ts'
import type { TopicUse } from './status-record.ts'
import type { TopicWriter } from './topic-writer.ts'

/** What the status store needs. */
export interface StatusBackingStoreOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  readonly logger: Logger
  readonly onError: (error: Error) => void
}

/**
 * Statuses in their topic. Writes go out in the background and in order, failures are logged: a status must never hold up
 * what it tells of. What a worker has written itself counts here at once, before it has been read back.
 */
export class StatusBackingStore {
  readonly #log: KafkaBasedLog
  readonly #fold: StatusFold
  readonly #unread: UnreadWrites
  readonly #logger: Logger
  readonly #pending = new Set<Promise<void>>()

  private constructor(log: KafkaBasedLog, fold: StatusFold, unread: UnreadWrites, logger: Logger) {
    this.#log = log
    this.#fold = fold
    this.#unread = unread
    this.#logger = logger
  }

  /** Reads the topic to its end; made when it does not exist. @throws ConfigError, ConnectError. */
  static async open(options: StatusBackingStoreOptions, signal?: AbortSignal): Promise<StatusBackingStore> {
    const fold = new StatusFold()
    const unread = new UnreadWrites()
    const log = await KafkaBasedLog.open(
      {
        ...options,
        setting: 'status.storage.topic',
        contents: 'statuses of connectors and tasks',
        onRecord: (record) => take(fold, unread, record, options),
      },
      signal,
    )
    return new StatusBackingStore(log, fold, unread, options.logger)
  }

  /** Reports a connector's status; null says that it is gone. */
  putConnector(connector: string, status: RunStatus | null): void {
    this.#put({ type: 'connector', connector, status })
  }

  /** Reports a connector's status, unless a worker of a later generation has reported since. */
  putConnectorSafe(connector: string, status: RunStatus): void {
    if (mayReport(this.#fold.connector(connector), status)) this.#put({ type: 'connector', connector, status })
  }

  /** Reports a task's status; null says that it is gone. */
  putTask(connector: string, task: number, status: RunStatus | null): void {
    this.#put({ type: 'task', connector, task, status })
  }

  /** Reports a task's status, unless a worker of a later generation has reported since. */
  putTaskSafe(connector: string, task: number, status: RunStatus): void {
    if (mayReport(this.#fold.task(connector, task), status)) this.#put({ type: 'task', connector, task, status })
  }

  /** Notes that a connector uses a topic; only the first use is written. */
  putTopic(use: TopicUse): void {
    if (this.#fold.topic(use.connector, use.topic) !== null) return
    this.#put({ type: 'topic', topic: use.topic, connector: use.connector, use })
  }

  /** Forgets which topics a connector has used. */
  resetTopics(connector: string): void {
    for (const { topic } of this.#fold.topics(connector)) this.#put({ type: 'topic', topic, connector, use: null })
  }

  connector(connector: string): RunStatus | null {
    return this.#fold.connector(connector)
  }

  task(connector: string, task: number): RunStatus | null {
    return this.#fold.task(connector, task)
  }

  /** Statuses of a connector's tasks, by number. */
  tasks(connector: string): ReadonlyMap<number, RunStatus> {
    return this.#fold.tasks(connector)
  }

  /** Connectors with a status of their own or of a task. */
  connectors(): readonly string[] {
    return this.#fold.connectors()
  }

  /** The topics a connector has used. */
  topics(connector: string): readonly TopicUse[] {
    return this.#fold.topics(connector)
  }

  /** Resolves when everything reported so far is durable, or has failed and was logged. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending)
  }

  /** Resolves when everything has been read that was in the topic when this was called. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#log.readToEnd(signal)
  }

  /** Stops reading; flush before. */
  async close(): Promise<void> {
    await this.#log.close()
  }

  #put(record: StatusRecord): void {
    this.#fold.apply(record)
    const state = encodeStatusRecord(record)
    this.#unread.add(state.key, state.value)
    const written = this.#log
      .write([state])
      .catch((error: unknown) => {
        this.#unread.remove(state.key, state.value)
        const reason = errorMessage(error)
        this.#logger.error(`${state.key} could not be written to topic ${this.#log.topic}: ${reason}`)
      })
      .finally(() => this.#pending.delete(written))
    this.#pending.add(written)
  }
}

function mayReport(known: RunStatus | null, status: RunStatus): boolean {
  return known === null || known.workerId === status.workerId || known.generation <= status.generation
}

/** A record that cannot be read is logged by name and passed over, as Connect does. */
function take(
  fold: StatusFold,
  unread: UnreadWrites,
  record: FetchedRecord,
  { topic, logger }: StatusBackingStoreOptions,
): void {
  const key = record.key?.toString('utf8') ?? null
  const value = record.value?.toString('utf8') ?? null
  if (key !== null && unread.isOvertaken(key, value)) return
  try {
    fold.apply(decodeStatusRecord(key, value))
  } catch (error) {
    const reason = errorMessage(error)
    const place = `offset ${record.offset} of ${topic.name}-${record.partition}`
    logger.warn(`${place} (key ${clipped(key ?? 'null')}) is ignored: ${reason}`)
  }
}

/** What was written here and has not come back: an earlier status must not show again while a later one is on its way. */
class UnreadWrites {
  readonly #values = new Map<string, (string | null)[]>()

  add(key: string, value: string | null): void {
    const values = this.#values.get(key)
    if (values === undefined) this.#values.set(key, [value])
    else values.push(value)
  }

  remove(key: string, value: string | null): void {
    const values = this.#values.get(key)
    const index = values?.indexOf(value) ?? -1
    if (index >= 0) values?.splice(index, 1)
    if (values?.length === 0) this.#values.delete(key)
  }

  /** Whether what comes back was written here, and something later was too. */
  isOvertaken(key: string, value: string | null): boolean {
    if (this.#values.get(key)?.[0] !== value) return false
    this.remove(key, value)
    return this.#values.has(key)
  }
}
