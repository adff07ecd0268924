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

export interface StatusBackingStoreOptions {
  readonly client: KafkaClient
  readonly writer: TopicWriter
  readonly topic: InternalTopic
  readonly logger: Logger
  /** Reading the topic has failed permanently. */
  readonly onError: (error: Error) => void
}

/**
 * Statuses in their topic. Writes happen in the background and in order, and a failure is logged: a status must never
 * delay what it reports. A status that this worker writes counts here immediately, before it is read back.
 */
export class StatusBackingStore {
  readonly #options: StatusBackingStoreOptions
  readonly #log: KafkaBasedLog
  readonly #fold = new StatusFold()
  readonly #unread = new UnreadWrites()
  /** What this worker wrote last of what it runs, by key. */
  readonly #own = new Map<string, InstanceRecord>()
  readonly #pending = new Set<Promise<void>>()
  #onStatus: StatusListener = () => undefined

  constructor(options: StatusBackingStoreOptions) {
    this.#options = options
    this.#log = new KafkaBasedLog({
      ...options,
      setting: 'status.storage.topic',
      contents: 'statuses of connectors and tasks',
    })
  }

  /**
   * Reads the topic to its end; a missing topic is created.
   * @param onStatus receives each status that is read after that, unless this worker has written a later one
   * @throws ConfigError, ConnectError
   */
  async start(signal?: AbortSignal, onStatus: StatusListener = () => undefined): Promise<void> {
    await this.#log.start((record) => this.#apply(record), signal)
    this.#onStatus = onStatus
  }

  /** Writes a connector's status; null removes it. */
  putConnector(connector: string, status: RunStatus | null): void {
    this.#put({ type: 'connector', connector, status })
  }

  /** Writes a connector's status, unless a worker of a later generation has written since (I3). */
  putConnectorSafe(connector: string, status: RunStatus): void {
    if (mayWrite(this.#fold.connector(connector), status)) this.#put({ type: 'connector', connector, status })
  }

  /** Writes a task's status; null removes it. */
  putTask(connector: string, task: number, status: RunStatus | null): void {
    this.#put({ type: 'task', connector, task, status })
  }

  /** Writes a task's status, unless a worker of a later generation has written since (I3). */
  putTaskSafe(connector: string, task: number, status: RunStatus): void {
    if (mayWrite(this.#fold.task(connector, task), status)) this.#put({ type: 'task', connector, task, status })
  }

  /** Removes a connector's status, if it is one of this worker. Returns whether it was. */
  removeConnectorOf(workerId: string, connector: string): boolean {
    return this.#removeOf(workerId, this.connector(connector), { type: 'connector', connector, status: null })
  }

  /** As {@link removeConnectorOf}. */
  removeTaskOf(workerId: string, connector: string, task: number): boolean {
    return this.#removeOf(workerId, this.task(connector, task), { type: 'task', connector, task, status: null })
  }

  /** Records that a connector uses a topic; only the first use is written. */
  putTopic(use: TopicUse): void {
    if (this.#fold.topic(use.connector, use.topic) !== null) return
    this.#put({ type: 'topic', topic: use.topic, connector: use.connector, use })
  }

  /** Removes the record of the topics that a connector has used. */
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

  /** Resolves when every write so far is durable, or has failed and was logged. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending)
  }

  /** Resolves when every record that was in the topic at the time of the call has been read. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#log.readToEnd(signal)
  }

  /** Stops reading; flush before. */
  async close(): Promise<void> {
    await this.#log.close()
  }

  /** A status may have been removed by another worker, before the last one of this worker reaches the topic. */
  #removeOf(workerId: string, known: RunStatus | null, record: InstanceRecord): boolean {
    const isOwn =
      known === null ? this.#unread.endsWithStatus(encodeStatusRecord(record).key) : known.workerId === workerId
    if (isOwn) this.#put(record)
    return isOwn
  }

  #put(record: StatusRecord): void {
    this.#fold.apply(record)
    const state = encodeStatusRecord(record)
    this.#unread.add(state.key, state.value)
    if (record.type !== 'topic' && record.status !== null && record.status.state !== 'UNASSIGNED')
      this.#own.set(state.key, record)
    else this.#own.delete(state.key)
    const written = this.#log
      .write([state])
      .catch((error: unknown) => {
        this.#unread.remove(state.key, state.value)
        const reason = errorMessage(error)
        this.#options.logger.error(`${state.key} could not be written to topic ${this.#log.topic}: ${reason}`)
      })
      .finally(() => this.#pending.delete(written))
    this.#pending.add(written)
  }

  /**
   * Writes what this worker runs again, when a worker that ran it before says only now that it has stopped, or what it ran while
   * it was cut off. Where another worker runs it in a later generation, this one no longer does.
   */
  #reassert(key: string, { status }: InstanceRecord): void {
    const own = this.#own.get(key)
    if (own === undefined || own.status === null) return
    const isStopped = status?.state === 'UNASSIGNED'
    // A process that ran at this worker's address before has its id, and may be as late as any other.
    if (!isStopped && own.status.workerId === status?.workerId) return
    const isEarlier = status !== null && status.generation < own.status.generation
    if (!isStopped && !isEarlier) this.#own.delete(key)
    else if (!this.#unread.has(key)) this.#put(own)
  }

  /** As in Connect, a record that cannot be decoded is logged and skipped. */
  #apply(record: FetchedRecord): void {
    const key = record.key?.toString('utf8') ?? null
    const value = record.value?.toString('utf8') ?? null
    if (key !== null && this.#unread.isOvertaken(key, value)) return
    try {
      const status = decodeStatusRecord(key, value)
      this.#fold.apply(status)
      if (key === null || status.type === 'topic') return
      this.#reassert(key, status)
      if (status.status !== null && !this.#unread.has(key)) this.#onStatus(status)
    } catch (error) {
      const { topic, logger } = this.#options
      const reason = errorMessage(error)
      const place = `offset ${record.offset} of ${topic.name}-${record.partition}`
      logger.warn(`${place} (key ${clipped(key ?? 'null')}) is ignored: ${reason}`)
    }
  }
}

/** The status of a connector or task. */
export type InstanceRecord = Exclude<StatusRecord, { readonly type: 'topic' }>

/** Must not throw. */
export type StatusListener = (status: InstanceRecord) => void

function mayWrite(known: RunStatus | null, status: RunStatus): boolean {
  return known === null || known.workerId === status.workerId || known.generation <= status.generation
}

/** Statuses that this worker wrote and has not read back: an earlier one must not replace a later one when it is read. */
class UnreadWrites {
  readonly #values = new Map<string, (string | null)[]>()

  add(key: string, value: string | null): void {
    const values = this.#values.get(key)
    if (values === undefined) this.#values.set(key, [value])
    else values.push(value)
  }

  /** Whether a record of the key will be read that this worker wrote. */
  has(key: string): boolean {
    return this.#values.has(key)
  }

  /** Whether the last record of the key that will be read has a status. */
  endsWithStatus(key: string): boolean {
    return (this.#values.get(key)?.at(-1) ?? null) !== null
  }

  remove(key: string, value: string | null): void {
    const values = this.#values.get(key)
    const index = values?.indexOf(value) ?? -1
    if (index >= 0) values?.splice(index, 1)
    if (values?.length === 0) this.#values.delete(key)
  }

  /** Returns whether this worker wrote the record that is read, and has written a later one of the key since. */
  isOvertaken(key: string, value: string | null): boolean {
    if (this.#values.get(key)?.[0] !== value) return false
    this.remove(key, value)
    return this.#values.has(key)
  }
}
