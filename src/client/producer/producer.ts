import { abortable } from '../../foundation/async/abortable.ts'
import type { Deferred } from '../../foundation/async/deferred.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import { requireCodec } from '../../protocol/record-batch/compression.ts'
import type { Codec } from '../../protocol/record-batch/record-batch.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError, BrokerError, ClientClosedError, RecordTooLargeError, UnknownPartitionError } from '../errors.ts'
import { BatchPool } from './batch-pool.ts'
import { copyOf, maxSizeOf, type OutgoingRecord } from './outgoing-record.ts'
import { PartitionQueue, type AppendTime, type QueueLimits } from './partition-queue.ts'
import { ProduceSender } from './produce-sender.ts'
import { ProducerTopic } from './producer-topic.ts'
import { TroubleWatch, type LogTrouble } from '../log-trouble.ts'

/** How to produce. The names of Kafka's settings are in brackets. */
export interface ProducerOptions {
  /** Codec of the batches (`compression.type`). */
  readonly compression?: Codec
  /** Bytes of a batch before compression (`batch.size`). */
  readonly batchSize?: number
  /** How long a batch may be filled while others are in flight (`linger.ms`). With none in flight it is sent immediately. */
  readonly lingerMs?: number
  /** Bytes above which `room` makes the caller wait (`buffer.memory`, I10). */
  readonly bufferMemory?: number
  /** Largest record and largest request in bytes (`max.request.size`). */
  readonly maxRequestSize?: number
  /** Requests in flight to one broker (`max.in.flight.requests.per.connection`), at most 5. */
  readonly maxInFlight?: number
  /** How long a batch may wait for its acknowledgement (`delivery.timeout.ms`); indefinitely by default. */
  readonly deliveryTimeoutMs?: number
  /** Whether the broker may create a topic that does not exist, if its own settings allow that. */
  readonly allowAutoTopicCreation?: boolean
  /** Whether the owner may write now; nothing is sent while it may not. Besides `mayWrite` of the client. */
  readonly mayWrite?: () => boolean
  /** A topic that `onTrouble` does not report on; {@link ProducerListener.onRetried} reports each failed attempt. */
  readonly apartTopic?: string
}

/** What a producer reports to its owner. Must not throw. */
export interface ProducerListener {
  /** A batch is durable. Receives the tokens of its records, in the order of `append`; called once per batch. */
  readonly onAcknowledged: (tokens: readonly number[]) => void
  /** Records will not be written: retrying cannot help. */
  readonly onFailed: (error: Error, tokens: readonly number[]) => void
  /** Records cannot be written, which is retried; null when they can be written again. */
  readonly onTrouble?: (trouble: LogTrouble | null) => void
  /** An attempt to write to a topic, or to look it up, failed and is retried. */
  readonly onRetried?: (topic: string, error: Error) => void
}

/** A quarter of Kafka's: records that wait behind the requests in flight only take memory. */
const defaultBufferMemory = 8 * 1024 * 1024

/** The settings to raise for a larger record: connectors set the first as an override, and the topic has a limit as well. */
const requestSetting =
  'producer.override.max.request.size (max.request.size of the producer), and max.message.bytes of the topic'

/**
 * An idempotent producer with `acks=all` (I1). `append` only adds the record to the batch of its partition; the records
 * appended in one turn of the event loop are sent together. Records of one partition are written in the order of `append`
 * (I12), each once, for as long as this producer lives. Transient failures are retried until they end.
 */
export class Producer {
  readonly #cluster: Cluster
  readonly #listener: ProducerListener
  readonly #trouble: TroubleWatch
  readonly #apartTopic: string | null
  readonly #limits: QueueLimits
  readonly #bufferMemory: number
  readonly #maxRequestSize: number
  readonly #autoCreate: boolean
  readonly #deliveryTimeoutMs: number
  readonly #pool = new BatchPool()
  readonly #sender: ProduceSender
  readonly #topics = new Map<string, ProducerTopic>()
  readonly #closing = new AbortController()
  #lastTopic: ProducerTopic | null = null
  #memory = 0
  #pending = 0
  #room: Deferred<void> | null = null
  #idle: Deferred<void> | null = null
  #isScheduled = false
  #burst = 0
  #time: AppendTime = { epochMs: 0, now: 0 }

  /** @throws ProtocolError if the module of the compression is not installed. */
  constructor(cluster: Cluster, listener: ProducerListener, options: ProducerOptions = {}) {
    this.#cluster = cluster
    this.#listener = listener
    this.#maxRequestSize = options.maxRequestSize ?? 16 * 1024 * 1024
    this.#bufferMemory = options.bufferMemory ?? defaultBufferMemory
    this.#autoCreate = options.allowAutoTopicCreation ?? true
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? Number.POSITIVE_INFINITY
    this.#limits = {
      batchSize: Math.min(options.batchSize ?? 256 * 1024, this.#maxRequestSize),
      lingerMs: options.lingerMs ?? 5,
      maxInFlight: Math.min(options.maxInFlight ?? 5, 5),
      codec: options.compression ?? 'none',
    }
    requireCodec(this.#limits.codec)
    this.#apartTopic = options.apartTopic ?? null
    this.#trouble = new TroubleWatch(cluster.clock, 'written', (trouble) => listener.onTrouble?.(trouble))
    this.#sender = new ProduceSender(cluster, {
      trouble: this.#trouble,
      maxInFlight: this.#limits.maxInFlight,
      maxRequestSize: this.#maxRequestSize,
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      mayWrite: options.mayWrite ?? (() => true),
      onRetried: (where, error) => this.#retried(where, error),
      onDone: (batch, error) => {
        this.#pool.settled(batch, error)
        this.#done(batch.tokens, batch.memory, error)
      },
    })
  }

  /**
   * Adds a record to the batch of its partition. The listener receives `token` with its outcome.
   * @throws RecordTooLargeError above `maxRequestSize`, UnknownPartitionError, ClientClosedError.
   */
  append(record: OutgoingRecord, token: number): void {
    if (this.#closing.signal.aborted) throw new ClientClosedError('the producer is closed')
    const size = maxSizeOf(record)
    if (size > this.#maxRequestSize)
      throw new RecordTooLargeError({ ...record, size }, this.#maxRequestSize, requestSetting)
    this.#schedule()
    const last = this.#lastTopic
    const topic = last !== null && last.name === record.topic ? last : this.#topic(record.topic)
    if (topic.partitionCount === 0) {
      topic.keep({ record: copyOf(record), size, token })
      this.#memory += size
    } else this.#enqueue(topic, record, size, token)
    this.#pending += 1
  }

  /** Null while there is room for more; otherwise resolves when there is. A closed producer has room: `append` throws then. */
  room(): Promise<void> | null {
    if (this.#memory < this.#bufferMemory || this.#closing.signal.aborted) return null
    this.#room ??= deferred<void>()
    return this.#room.promise
  }

  /** Resolves when all records appended so far, and those appended meanwhile, are acknowledged or have failed. */
  async flush(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#pending === 0) return
    this.#sender.closeBatches()
    this.#idle ??= deferred<void>()
    await abortable(this.#idle.promise, signal)
  }

  /** Flushes until `signal` fires; the remaining records then fail with a ClientClosedError. */
  async close(signal?: AbortSignal): Promise<void> {
    if (this.#closing.signal.aborted) return
    try {
      await this.flush(signal)
    } catch (error) {
      if (signal?.aborted !== true) throw error
    }
    const error = new ClientClosedError('the producer was closed before the records were acknowledged')
    this.#closing.abort(error)
    this.#sender.close(error)
    for (const topic of this.#topics.values()) this.#failWaiting(topic, error)
    this.#room?.resolve()
    // Closing aborts the requests in flight, which fails their batches.
    if (this.#pending > 0) await (this.#idle ??= deferred<void>()).promise
  }

  #topic(name: string): ProducerTopic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = new ProducerTopic(name)
      this.#topics.set(name, topic)
      const partitionCount = this.#cluster.metadata.topics.get(name)?.partitions.length ?? 0
      if (partitionCount === 0) void this.#locate(topic)
      else topic.located(partitionCount)
    }
    this.#lastTopic = topic
    return topic
  }

  /** Looks up the partitions of a topic, waiting for it to exist, then queues the records that wait for it. */
  async #locate(topic: ProducerTopic): Promise<void> {
    const { name } = topic
    try {
      await this.#lookUp(name)
      this.#trouble.over(name)
    } catch (error) {
      this.#trouble.over(name)
      this.#topics.delete(name)
      if (this.#lastTopic === topic) this.#lastTopic = null
      this.#failWaiting(topic, asError(error))
      return
    }
    topic.located(this.#cluster.metadata.topics.get(name)?.partitions.length ?? 1)
    this.#schedule()
    for (const { record, size, token } of topic.takeWaiting()) {
      this.#memory -= size
      try {
        this.#enqueue(topic, record, size, token)
      } catch (error) {
        this.#done([token], 0, asError(error))
      }
    }
  }

  async #lookUp(name: string): Promise<void> {
    const cluster = this.#cluster
    const { signal } = this.#closing
    const withinMs = Number.isFinite(this.#deliveryTimeoutMs) ? this.#deliveryTimeoutMs : undefined
    await cluster.retrying(`find topic ${name}`, { signal, withinMs }, async () => {
      try {
        await cluster.refreshMetadata([name], { allowAutoTopicCreation: this.#autoCreate, signal })
        const code = cluster.metadata.topicErrors.get(name)
        if (code !== undefined) throw new BrokerError(code, `looking up topic ${name}`)
      } catch (error) {
        if (!signal.aborted) this.#retried({ topic: name, place: name }, asError(error))
        throw error
      }
    })
  }

  #retried({ topic, place }: { readonly topic: string; readonly place: string }, error: Error): void {
    if (topic !== this.#apartTopic) this.#trouble.note(place, error)
    this.#listener.onRetried?.(topic, error)
  }

  #enqueue(topic: ProducerTopic, record: OutgoingRecord, size: number, token: number): void {
    const partition = record.partition ?? topic.choosePartition(record.key, this.#burst)
    const queue = topic.queues[partition] ?? this.#newQueue(topic, partition)
    this.#memory += queue.append(record, size, token, this.#time)
    this.#sender.add(queue)
  }

  #newQueue(topic: ProducerTopic, partition: number): PartitionQueue {
    // The topic may have got more partitions since it was looked up.
    const count = this.#cluster.metadata.topics.get(topic.name)?.partitions.length ?? 0
    if (partition >= topic.partitionCount && count > topic.partitionCount) topic.partitionCount = count
    if (partition < 0 || partition >= topic.partitionCount)
      throw new UnknownPartitionError(topic.name, partition, topic.partitionCount)
    const queue = new PartitionQueue({ topic: topic.name, partition }, this.#limits, this.#pool)
    topic.queues[partition] = queue
    return queue
  }

  /** Sends the records of one turn of the event loop together, at its end. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const { clock } = this.#cluster
    this.#time = { epochMs: clock.now(), now: clock.monotonic() }
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#burst += 1
      this.#sender.send()
    })
  }

  #failWaiting(topic: ProducerTopic, error: Error): void {
    const waiting = topic.takeWaiting()
    const size = waiting.reduce((sum, record) => sum + record.size, 0)
    const tokens = waiting.map(({ token }) => token)
    if (tokens.length > 0) this.#done(tokens, size, error)
  }

  #done(tokens: readonly number[], memory: number, error: Error | null): void {
    this.#memory -= memory
    this.#pending -= tokens.length
    if (error === null) this.#listener.onAcknowledged(tokens)
    else this.#listener.onFailed(error, tokens)
    if (this.#room !== null && this.#memory < this.#bufferMemory) {
      this.#room.resolve()
      this.#room = null
    }
    if (this.#pending === 0) {
      this.#pool.shrink()
      this.#idle?.resolve()
      this.#idle = null
    }
  }
}
