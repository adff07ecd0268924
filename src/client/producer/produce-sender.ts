import { abortable } from '../../foundation/async/abortable.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/init-producer-id.ts'
import { produce } from '../../protocol/messages/produce.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import {
  asError,
  BrokerError,
  DeliveryTimeoutError,
  isRetriable,
  KafkaError,
  RecordTooLargeError,
  UnknownOutcomeError,
} from '../errors.ts'
import { LeaderFinder } from '../cluster/leader-finder.ts'
import type { PartitionQueue, Settled } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { TroubleWatch } from '../log-trouble.ts'

const requestTimeoutMs = 30_000
const requestOverheadPerBatch = 300
const warnEveryMs = 30_000
const allReplicas = -1

/** Codes after which the leader has to be looked up again. */
const leaderMoved: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.REPLICA_NOT_AVAILABLE,
  errorCodes.FENCED_LEADER_EPOCH,
  errorCodes.UNKNOWN_LEADER_EPOCH,
])

/** Codes that say the broker does not know this producer's sequences (any more). */
const sequenceLost: ReadonlySet<number> = new Set([
  errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.INVALID_PRODUCER_EPOCH,
  errorCodes.PRODUCER_FENCED,
  errorCodes.DUPLICATE_SEQUENCE_NUMBER,
])

/** Codes of a broker that did not write the batch. With any other it may have, and the failure came after that. */
const notWritten: ReadonlySet<number> = new Set([
  errorCodes.MESSAGE_TOO_LARGE,
  errorCodes.RECORD_LIST_TOO_LARGE,
  errorCodes.CORRUPT_MESSAGE,
  errorCodes.INVALID_RECORD,
  errorCodes.INVALID_TIMESTAMP,
  errorCodes.INVALID_REQUIRED_ACKS,
  errorCodes.INVALID_TOPIC_EXCEPTION,
  errorCodes.INVALID_TXN_STATE,
  errorCodes.NOT_ENOUGH_REPLICAS,
  errorCodes.POLICY_VIOLATION,
  errorCodes.TOPIC_AUTHORIZATION_FAILED,
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorCodes.UNSUPPORTED_COMPRESSION_TYPE,
  errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT,
])

/** What the sender of a producer is told. */
export interface SenderOptions {
  readonly maxInFlight: number
  readonly maxRequestSize: number
  readonly deliveryTimeoutMs: number
  readonly trouble: TroubleWatch
  /** A batch of this topic could not be written and is sent again. `place`: as {@link SenderOptions.trouble} knows it. */
  readonly onRetried: (where: { readonly topic: string; readonly place: string }, error: Error) => void
  /** A batch is durable (`error` null), or given up. */
  readonly onDone: (batch: ProducerBatch, error: Error | null) => void
}

interface Sent {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
}

type PartitionAnswer = ResponseOf<typeof produce>['responses'][number]['partitionResponses'][number]

/**
 * Carries batches from queues to leaders: as many requests in flight as allowed, each with one batch of every partition of
 * that leader that has one ready; what fails goes back to its queue.
 */
export class ProduceSender {
  readonly #cluster: Cluster
  readonly #options: SenderOptions
  readonly #lane: string
  /** Queues that are not empty. */
  readonly #active = new Set<PartitionQueue>()
  readonly #requests = new Map<number, number>()
  readonly #closing = new AbortController()
  readonly #leaders: LeaderFinder
  readonly #trouble: TroubleWatch
  #isIdentifying = false
  #timer: { readonly at: number; readonly cancel: () => void } | null = null
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(cluster: Cluster, options: SenderOptions) {
    this.#cluster = cluster
    this.#trouble = options.trouble
    this.#options = options
    this.#lane = cluster.newLane('produce')
    this.#leaders = new LeaderFinder(cluster, this.#closing.signal, {
      onFound: () => this.send(),
      onError: (error) => this.#giveUp(error),
    })
  }

  /** Says that a queue has something. */
  add(queue: PartitionQueue): void {
    this.#active.add(queue)
  }

  /** Closes the batches that are being filled and sends what can be sent. */
  closeBatches(): void {
    for (const queue of this.#active) queue.close()
    this.send()
  }

  /** Sends what is ready, to every leader that takes more; sets the timer for what becomes ready by time alone. */
  send(): void {
    if (this.#closing.signal.aborted) return
    const now = this.#cluster.clock.monotonic()
    this.#expire(now)
    for (let sentSome = true; sentSome;) {
      sentSome = false
      for (const [nodeId, sent] of this.#collect(now)) {
        void this.#request(nodeId, sent)
        sentSome = true
      }
    }
    this.#wakeForNext(now)
  }

  /** Gives up everything, with `error`. */
  close(error: Error): void {
    this.#closing.abort(error)
    this.#trouble.close()
    this.#timer?.cancel()
    this.#cluster.closeLane(this.#lane)
    for (const queue of this.#active) for (const batch of queue.clear()) this.#done(batch, error)
    this.#active.clear()
  }

  /** One batch of each queue that has one, by leader. */
  #collect(now: number): Map<number, Sent[]> {
    const byNode = new Map<number, Sent[]>()
    const sizes = new Map<number, number>()
    for (const queue of this.#active) {
      if (queue.isEmpty) {
        this.#active.delete(queue)
        continue
      }
      if (queue.needsIdentity) void this.#identify()
      const nodeId = this.#leaders.leaderOf(queue.topic, queue.partition)
      if (nodeId === null || (this.#requests.get(nodeId) ?? 0) >= this.#options.maxInFlight) continue
      const size = sizes.get(nodeId) ?? 0
      if (size >= this.#options.maxRequestSize) continue
      const batch = queue.take(now)
      if (batch === null) continue
      sizes.set(nodeId, size + batch.bytes.length + requestOverheadPerBatch)
      const sent = byNode.get(nodeId) ?? []
      sent.push({ queue, batch })
      byNode.set(nodeId, sent)
    }
    return byNode
  }

  async #request(nodeId: number, sent: readonly Sent[]): Promise<void> {
    this.#requests.set(nodeId, (this.#requests.get(nodeId) ?? 0) + 1)
    let isSent = false
    try {
      const { signal } = this.#closing
      const connection = await abortable(this.#cluster.connection(nodeId, this.#lane, signal), signal)
      const timeoutMs = requestTimeoutMs + 5_000
      isSent = true
      const answer = await connection.send(produce, requestOf(sent), { timeoutMs, signal })
      this.#answered(sent, answer)
    } catch (error) {
      for (const { queue, batch } of sent) this.#failed(queue, batch, error, isSent)
      for (const { queue } of sent) this.#leaders.forget(queue.topic)
    } finally {
      this.#requests.set(nodeId, (this.#requests.get(nodeId) ?? 1) - 1)
      this.send()
    }
  }

  #answered(sent: readonly Sent[], answer: ResponseOf<typeof produce>): void {
    const answers = new Map<string, PartitionAnswer>()
    for (const { name, partitionResponses } of answer.responses)
      for (const partition of partitionResponses) answers.set(`${partition.index}/${name}`, partition)
    for (const { queue, batch } of sent) {
      const partition = answers.get(`${batch.partition}/${batch.topic}`)
      if (partition === undefined)
        this.#failed(queue, batch, new KafkaError('the broker left a partition out', { retriable: true }), true)
      else this.#judge(queue, batch, partition)
    }
  }

  #judge(queue: PartitionQueue, batch: ProducerBatch, { errorCode, errorMessage, baseOffset }: PartitionAnswer): void {
    if (errorCode === errorCodes.NONE) {
      this.#settle(queue.acknowledge(batch, baseOffset))
      return
    }
    // To a batch that was never sent before it says that its sequence was used for other records.
    if (errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER && batch.mayBeWritten) {
      this.#settle(queue.acknowledge(batch, -1))
      return
    }
    const error = new BrokerError(errorCode, `Produce to ${batch.topic}-${batch.partition}`, errorMessage)
    if (leaderMoved.has(errorCode)) this.#leaders.forget(batch.topic)
    if (sequenceLost.has(errorCode)) this.#outOfOrder(queue, batch, error)
    else if (errorCode === errorCodes.MESSAGE_TOO_LARGE || errorCode === errorCodes.RECORD_LIST_TOO_LARGE)
      this.#tooLarge(queue, batch, error)
    else this.#failed(queue, batch, error, !notWritten.has(errorCode))
  }

  #done(batch: ProducerBatch, error: Error | null): void {
    this.#trouble.over(placeOf(batch))
    this.#options.onDone(batch, error)
  }

  #settle(settled: readonly Settled[]): void {
    for (const { batch, error } of settled) this.#done(batch, error)
  }

  /** A batch behind one that failed is out of order by our own doing; the first one is not: the broker has lost our sequences. */
  #outOfOrder(queue: PartitionQueue, batch: ProducerBatch, error: BrokerError): void {
    if (queue.isFirst(batch)) {
      const doubt = batch.mayBeWritten ? ', records of unknown outcome may be written twice' : ''
      this.#cluster.logger.warn(`${error.message}; its producer gets another id${doubt}`)
    }
    const retryAt = batch.attempts === 1 ? 0 : this.#retryAt(batch)
    this.#settle(queue.sequenceRefused(batch, error, retryAt))
  }

  #tooLarge(queue: PartitionQueue, batch: ProducerBatch, error: BrokerError): void {
    // Halves have other sequences: the broker could not tell that it has their records already.
    if (batch.count > 1 && !batch.mayBeWritten) {
      this.#settle(queue.giveBackSplit(batch, error))
      return
    }
    const setting = `max.message.bytes of the topic (or message.max.bytes of the broker)`
    const record = { topic: batch.topic, key: batch.firstKey(), size: batch.memory }
    this.#drop(queue, batch, new RecordTooLargeError(record, null, setting))
  }

  #failed(queue: PartitionQueue, batch: ProducerBatch, thrown: unknown, mayBeWritten: boolean): void {
    const error = asError(thrown)
    if (mayBeWritten) batch.mayBeWritten = true
    if (this.#closing.signal.aborted) {
      queue.drop(batch)
      this.#done(batch, this.#closing.signal.reason as Error)
      return
    }
    if (!isRetriable(error)) {
      this.#drop(queue, batch, error)
      return
    }
    this.#options.onRetried({ topic: batch.topic, place: placeOf(batch) }, error)
    const now = this.#cluster.clock.monotonic()
    if (now - this.#warnedAt > warnEveryMs && batch.attempts > 1) {
      this.#warnedAt = now
      this.#cluster.logger.warn(`cannot write to ${batch.topic}-${batch.partition}: ${error.message}; trying again`)
    }
    this.#settle(queue.giveBack(batch, { error, mayBeWritten, retryAt: this.#retryAt(batch) }))
  }

  #drop(queue: PartitionQueue, batch: ProducerBatch, error: Error): void {
    queue.drop(batch)
    this.#done(batch, batch.isUncertain ? new UnknownOutcomeError(batch, error) : error)
  }

  #retryAt(batch: ProducerBatch): number {
    return this.#cluster.clock.monotonic() + backoffMs(this.#cluster.backoff, batch.attempts)
  }

  /** An identity for every queue that needs one: a sequence means something only together with its partition. */
  async #identify(): Promise<void> {
    if (this.#isIdentifying) return
    this.#isIdentifying = true
    const { signal } = this.#closing
    try {
      const answer = await this.#cluster.retrying('get a producer id', { signal }, async () => {
        const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
        const answer = await this.#cluster.sendToAny(initProducerId, request, { signal })
        if (answer.errorCode !== errorCodes.NONE) throw new BrokerError(answer.errorCode, 'InitProducerId')
        return answer
      })
      const identity = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      for (const queue of this.#active) if (queue.needsIdentity) queue.identify(identity)
    } catch (error) {
      if (!signal.aborted) this.#giveUp(error)
    } finally {
      this.#isIdentifying = false
    }
    this.send()
  }

  /** What waits cannot be sent at all: not authorized, for example. */
  #giveUp(error: unknown): void {
    const known = asError(error)
    for (const queue of this.#active)
      for (const batch of queue.clear())
        this.#done(batch, batch.isUncertain ? new UnknownOutcomeError(batch, known) : known)
  }

  #expire(now: number): void {
    const { deliveryTimeoutMs } = this.#options
    if (!Number.isFinite(deliveryTimeoutMs)) return
    for (const queue of this.#active) {
      for (const batch of queue.expire(now - deliveryTimeoutMs))
        this.#done(batch, new DeliveryTimeoutError(batch, deliveryTimeoutMs))
    }
  }

  #wakeForNext(now: number): void {
    let at = Number.POSITIVE_INFINITY
    for (const queue of this.#active) {
      const readyAt = queue.readyAt()
      // What is ready and was not taken waits for an answer, a leader or an identity, not for the time.
      if (readyAt > now && readyAt < at) at = readyAt
    }
    if (Number.isFinite(this.#options.deliveryTimeoutMs) && this.#active.size > 0)
      at = Math.min(at, now + this.#options.deliveryTimeoutMs)
    if (this.#timer !== null && this.#timer.at <= at && this.#timer.at > now) return
    this.#timer?.cancel()
    this.#timer = null
    if (!Number.isFinite(at)) return
    const cancel = this.#cluster.clock.after(Math.max(1, Math.ceil(at - now)), () => {
      this.#timer = null
      this.send()
    })
    this.#timer = { at, cancel }
  }
}

function placeOf({ topic, partition }: ProducerBatch): string {
  return `${topic}-${partition}`
}

function requestOf(sent: readonly Sent[]): {
  transactionalId: null
  acks: number
  timeoutMs: number
  topicData: { name: string; partitionData: { index: number; records: Buffer }[] }[]
} {
  const topics = new Map<string, { index: number; records: Buffer }[]>()
  for (const { batch } of sent) {
    const partitions = topics.get(batch.topic) ?? []
    partitions.push({ index: batch.partition, records: batch.bytes })
    topics.set(batch.topic, partitions)
  }
  const topicData = [...topics].map(([name, partitionData]) => ({ name, partitionData }))
  return { transactionalId: null, acks: allReplicas, timeoutMs: requestTimeoutMs, topicData }
}
