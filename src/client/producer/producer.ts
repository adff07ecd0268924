import { abortable } from '../../foundation/async/abortable.ts'
import type { Deferred } from '../../foundation/async/deferred.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import { BatchBuilder } from '../../protocol/record-batch/batch-builder.ts'
import { requireCodec } from '../../protocol/record-batch/compression.ts'
import { partitionForKey } from '../../protocol/murmur2.ts'
import type { Codec } from '../../protocol/record-batch/record-batch.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { asError, BrokerError, ClientClosedError, RecordTooLargeError, UnknownPartitionError } from '../errors.ts'
import { PartitionQueue, type BuilderPool, type OutgoingRecord, type QueueLimits } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { ProduceSender } from './produce-sender.ts'
import { TroubleWatch, type LogTrouble } from '../log-trouble.ts'

/** What may be said about a producer; names of Kafka's settings in brackets. */
export interface ProducerOptions {
  /** Codec of the batches (`compression.type`). */
  readonly compression?: Codec
  /** Bytes of a batch before compression (`batch.size`). */
  readonly batchSize?: number
  /** How long a batch may grow while others are in flight (`linger.ms`): with nothing in flight it is sent at once. */
  readonly lingerMs?: number
  /** Bytes above which `room` makes the caller wait (`buffer.memory`). */
  readonly bufferMemory?: number
  /** Largest record and largest request (`max.request.size`). */
  readonly maxRequestSize?: number
  /** Requests in flight to one broker (`max.in.flight.requests.per.connection`), at most 5. */
  readonly maxInFlight?: number
  /** How long a batch may wait for its acknowledgement (`delivery.timeout.ms`); for ever unless told otherwise. */
  readonly deliveryTimeoutMs?: number
  /** Whether a topic that does not exist is made by the broker, if it allows that. */
  readonly allowAutoTopicCreation?: boolean
  /** A topic that `onTrouble` says nothing of: {@link ProducerListener.onRetried} tells each try that fails. */
  readonly apartTopic?: string
}

/** A quarter of Kafka's: what waits beyond the requests in flight only takes memory. */
const defaultBufferMemory = 8 * 1024 * 1024
const pool = { builders: 16, restingBuilders: 2, builderBytes: 64 * 1024, largestBytes: 1024 * 1024 }
/** Upper bound of what a record takes besides its bytes: lengths, deltas, attributes. */
const recordOverhead = 40
const headerOverhead = 10

/** At least the bytes that the record takes in a batch. Cheap: no text is encoded. */
function sizeBound(record: OutgoingRecord): number {
  let size = recordOverhead + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const header of record.headers) size += headerOverhead + header.key.length * 3 + (header.value?.length ?? 0)
  return size
}

/** The record with bytes of its own. */
function kept(record: OutgoingRecord): OutgoingRecord {
  const { key, value } = record
  return { ...record, key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value) }
}

interface Stashed {
  readonly record: OutgoingRecord
  readonly size: number
  readonly token: number
}

/** A topic that is written to. While its partitions are not known, records wait in `stash`. */
interface TopicState {
  readonly name: string
  partitionCount: number
  queues: (PartitionQueue | undefined)[]
  stash: Stashed[]
  /** The partition that takes records without key, and the burst in which it was chosen. */
  sticky: number
  stickyBurst: number
}

class Builders implements BuilderPool {
  readonly #free: BatchBuilder[] = []

  take(): BatchBuilder {
    return this.#free.pop() ?? new BatchBuilder(pool.builderBytes)
  }

  /** Keeps few: nothing is under way. */
  rest(): void {
    this.#free.length = Math.min(this.#free.length, pool.restingBuilders)
  }

  giveBack(builder: BatchBuilder): void {
    if (this.#free.length >= pool.builders || builder.capacity > pool.largestBytes) return
    builder.reset()
    this.#free.push(builder)
  }
}

/** What to raise for a larger record: connectors set it as an override, and the topic has to take it as well. */
const requestSetting =
  'producer.override.max.request.size (max.request.size of the producer), and max.message.bytes of the topic'

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

/**
 * An idempotent producer, `acks=all`. `append` only puts the record into the batch of its partition; what was appended in one
 * turn of the event loop leaves together. Records of one partition are written in the order of `append`, each once, for as
 * long as this producer lives. Failures that may pass are tried again until they do.
 */
export class Producer {
  readonly #listener: ProducerListener
  readonly #trouble: TroubleWatch
  readonly #apartTopic: string | null
  readonly #cluster: Cluster
  readonly #limits: QueueLimits
  readonly #bufferMemory: number
  readonly #maxRequestSize: number
  readonly #autoCreate: boolean
  readonly #deliveryTimeoutMs: number
  readonly #builders = new Builders()
  readonly #sender: ProduceSender
  readonly #topics = new Map<string, TopicState>()
  readonly #closing = new AbortController()
  #lastTopic: TopicState | null = null
  #memory = 0
  #pending = 0
  #room: Deferred<void> | null = null
  #idle: Deferred<void> | null = null
  #isScheduled = false
  #burst = 0
  #epochMs = 0
  #now = 0

  /** @throws ProtocolError when this machine has no module for the compression. */
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
      onRetried: (where, error) => this.#retried(where, error),
      onDone: (batch, error) => {
        this.#reclaim(batch, error)
        this.#done(batch.tokens, batch.memory, error)
      },
    })
  }

  /**
   * Adds a record to the batch of its partition. `token` comes back in `onAcknowledged` or `onFailed`.
   * @throws RecordTooLargeError when it is above `maxRequestSize`, UnknownPartitionError, ClientClosedError.
   */
  append(record: OutgoingRecord, token: number): void {
    if (this.#closing.signal.aborted) throw new ClientClosedError('the producer is closed')
    const size = sizeBound(record)
    if (size > this.#maxRequestSize)
      throw new RecordTooLargeError({ ...record, size }, this.#maxRequestSize, requestSetting)
    this.#schedule()
    const last = this.#lastTopic
    const topic = last !== null && last.name === record.topic ? last : this.#topic(record.topic)
    if (topic.partitionCount === 0) {
      topic.stash.push({ record: kept(record), size, token })
      this.#memory += size
    } else this.#enqueue(topic, record, size, token)
    this.#pending += 1
  }

  /** Null while there is room for more; else resolves when there is. A closed producer has room: `append` will say so. */
  room(): Promise<void> | null {
    if (this.#memory < this.#bufferMemory || this.#closing.signal.aborted) return null
    this.#room ??= deferred<void>()
    return this.#room.promise
  }

  /** Resolves when everything appended so far, and what follows until then, is acknowledged or has failed. */
  async flush(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#pending === 0) return
    this.#sender.closeBatches()
    this.#idle ??= deferred<void>()
    await abortable(this.#idle.promise, signal)
  }

  /** Flushes until `signal` fires; what is left then fails with a ClientClosedError. */
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
    for (const topic of this.#topics.values()) this.#failStash(topic, error)
    this.#room?.resolve()
    // Batches in flight are given back once their requests have ended, which they do now.
    if (this.#pending > 0) await (this.#idle ??= deferred<void>()).promise
  }

  #topic(name: string): TopicState {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = { name, partitionCount: 0, queues: [], stash: [], sticky: 0, stickyBurst: -1 }
      this.#topics.set(name, topic)
      this.#size(topic, this.#cluster.metadata.topics.get(name)?.partitions.length ?? 0)
      if (topic.partitionCount === 0) void this.#locate(topic)
    }
    this.#lastTopic = topic
    return topic
  }

  /** Finds out how many partitions a topic has; waits for it to exist. What is stashed then goes its way. */
  async #locate(topic: TopicState): Promise<void> {
    const { name } = topic
    const cluster = this.#cluster
    const { signal } = this.#closing
    try {
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
      this.#trouble.over(name)
    } catch (error) {
      this.#trouble.over(name)
      this.#topics.delete(name)
      if (this.#lastTopic === topic) this.#lastTopic = null
      this.#failStash(topic, asError(error))
      return
    }
    this.#size(topic, cluster.metadata.topics.get(name)?.partitions.length ?? 1)
    const stash = topic.stash
    topic.stash = []
    this.#schedule()
    for (const { record, size, token } of stash) {
      this.#memory -= size
      try {
        this.#enqueue(topic, record, size, token)
      } catch (error) {
        this.#done([token], 0, asError(error))
      }
    }
  }

  #retried({ topic, place }: { readonly topic: string; readonly place: string }, error: Error): void {
    if (topic !== this.#apartTopic) this.#trouble.note(place, error)
    this.#listener.onRetried?.(topic, error)
  }

  #size(topic: TopicState, partitionCount: number): void {
    topic.partitionCount = partitionCount
    topic.sticky = Math.floor(Math.random() * partitionCount)
  }

  #enqueue(topic: TopicState, record: OutgoingRecord, size: number, token: number): void {
    const partition = record.partition ?? this.#choose(topic, record.key)
    let queue = topic.queues[partition]
    if (queue === undefined) {
      this.#growTo(topic, partition)
      if (partition < 0 || partition >= topic.partitionCount)
        throw new UnknownPartitionError(topic.name, partition, topic.partitionCount)
      queue = new PartitionQueue(topic.name, partition, this.#limits, this.#builders)
      topic.queues[partition] = queue
    }
    this.#memory += queue.append(record, size, token, this.#epochMs, this.#now)
    this.#sender.add(queue)
  }

  /** A partition that was added since the topic was looked up is known once metadata was asked for again. */
  #growTo(topic: TopicState, partition: number): void {
    const count = this.#cluster.metadata.topics.get(topic.name)?.partitions.length ?? 0
    if (partition >= topic.partitionCount && count > topic.partitionCount) topic.partitionCount = count
  }

  /** Kafka's default partitioner: the key's hash; records without key stay with one partition for a burst. */
  #choose(topic: TopicState, key: Uint8Array | null): number {
    if (key !== null) return partitionForKey(key, topic.partitionCount)
    if (topic.stickyBurst !== this.#burst) {
      topic.stickyBurst = this.#burst
      topic.sticky = (topic.sticky + 1) % topic.partitionCount
    }
    return topic.sticky
  }

  /** Records of one turn of the event loop leave together, right after it. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#now = this.#cluster.clock.monotonic()
    this.#epochMs = this.#cluster.clock.now()
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#burst += 1
      this.#sender.send()
    })
  }

  #failStash(topic: TopicState, error: Error): void {
    const stash = topic.stash
    topic.stash = []
    const size = stash.reduce((sum, stashed) => sum + stashed.size, 0)
    const tokens = stash.map((stashed) => stashed.token)
    if (tokens.length > 0) this.#done(tokens, size, error)
  }

  /** A batch that was sent once and acknowledged is in nobody's hands; one that was sent again may still be in a dying socket's. */
  #reclaim({ lender, attempts, lastError }: ProducerBatch, error: Error | null): void {
    if (lender !== null && error === null && attempts === 1 && lastError === null) this.#builders.giveBack(lender)
  }

  #done(tokens: ProducerBatch['tokens'], memory: number, error: Error | null): void {
    this.#memory -= memory
    this.#pending -= tokens.length
    if (error === null) this.#listener.onAcknowledged(tokens)
    else this.#listener.onFailed(error, tokens)
    if (this.#room !== null && this.#memory < this.#bufferMemory) {
      this.#room.resolve()
      this.#room = null
    }
    if (this.#pending === 0) {
      this.#builders.rest()
      this.#idle?.resolve()
      this.#idle = null
    }
  }
}
