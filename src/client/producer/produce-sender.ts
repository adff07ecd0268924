import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/init-producer-id.ts'
import { produce } from '../../protocol/messages/produce.ts'
import type { Cluster } from '../cluster/cluster.ts'
import {
  asError,
  BrokerError,
  DeliveryTimeoutError,
  isRetriable,
  KafkaError,
  WriteDeniedError,
  RecordTooLargeError,
  UnknownOutcomeError,
} from '../errors.ts'
import { LeaderFinder } from '../cluster/leader-finder.ts'
import type { PartitionQueue, Settled } from './partition-queue.ts'
import {
  isLeaderMoved,
  outcomeOf,
  produceRequestOf,
  produceTimeoutMs,
  resultsOf,
  type PartitionResult,
  type ProduceResponse,
} from './produce-request.ts'
import type { ProducerBatch, ProducerIdentity } from './producer-batch.ts'
import type { TroubleWatch } from '../log-trouble.ts'

const requestOverheadPerBatch = 300
const warnEveryMs = 30_000

/** The limits of a {@link ProduceSender}, and what it reports to its producer. */
export interface SenderOptions {
  readonly maxInFlight: number
  readonly maxRequestSize: number
  readonly deliveryTimeoutMs: number
  /** Whether the owner of the producer may write now. */
  readonly mayWrite: () => boolean
  readonly trouble: TroubleWatch
  /** A batch of this topic could not be written and is retried. `place`: as {@link SenderOptions.trouble} knows it. */
  readonly onRetried: (where: { readonly topic: string; readonly place: string }, error: Error) => void
  /** A batch is durable (`error` null), or given up. */
  readonly onDone: (batch: ProducerBatch, error: Error | null) => void
}

interface Sent {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
}

/**
 * Sends batches from queues to leaders: each request carries one batch of every partition of that leader that has one ready,
 * and as many requests are in flight as allowed. A batch that failed is queued again.
 */
export class ProduceSender {
  readonly #cluster: Cluster
  readonly #options: SenderOptions
  readonly #purpose: string
  /** Queues that are not empty. */
  readonly #active = new Set<PartitionQueue>()
  /** Requests in flight by node. */
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
    this.#purpose = cluster.newPurpose('produce')
    this.#leaders = new LeaderFinder(cluster, this.#closing.signal, {
      onFound: () => this.send(),
      onError: (error) => this.#giveUp(error),
    })
  }

  /** Marks the queue as having batches to send. */
  add(queue: PartitionQueue): void {
    this.#active.add(queue)
  }

  /** Closes the batches that are being filled and sends what can be sent. */
  closeBatches(): void {
    for (const queue of this.#active) queue.close()
    this.send()
  }

  /** Sends the ready batches to every leader that may get another request, and sets the timer for those ready later. */
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
    this.#cluster.closePurpose(this.#purpose)
    for (const queue of this.#active) for (const batch of queue.clear()) this.#done(batch, error)
    this.#active.clear()
  }

  /** Takes one batch of each queue that has one, by leader. */
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
      const connection = await abortable(this.#cluster.connection(nodeId, this.#purpose, signal), signal)
      const request = produceRequestOf(sent.map(({ batch }) => batch))
      // Last: whatever was waited for may have taken long.
      if (!this.#cluster.mayWrite || !this.#options.mayWrite()) throw new WriteDeniedError()
      isSent = true
      const response = await connection.send(produce, request, { timeoutMs: produceTimeoutMs + 5_000, signal })
      this.#receive(sent, response)
    } catch (error) {
      for (const { queue, batch } of sent) this.#failed(queue, batch, error, isSent)
      for (const { queue } of sent) this.#leaders.forget(queue.topic)
    } finally {
      this.#requests.set(nodeId, (this.#requests.get(nodeId) ?? 1) - 1)
      this.send()
    }
  }

  #receive(sent: readonly Sent[], response: ProduceResponse): void {
    const results = resultsOf(response)
    for (const { queue, batch } of sent) {
      const result = results.get(`${batch.partition}/${batch.topic}`)
      if (result === undefined)
        this.#failed(queue, batch, new KafkaError('the response lacks a partition', { retriable: true }), true)
      else this.#apply(queue, batch, result)
    }
  }

  #apply(queue: PartitionQueue, batch: ProducerBatch, result: PartitionResult): void {
    const outcome = outcomeOf(result, batch.mayBeWritten)
    if (outcome.kind === 'written') {
      this.#settle(queue.acknowledge(batch, outcome.baseOffset))
      return
    }
    const { errorCode, errorMessage } = result
    const error = new BrokerError(errorCode, `Produce to ${formatTopicPartition(batch)}`, errorMessage)
    if (isLeaderMoved(errorCode)) this.#leaders.forget(batch.topic)
    if (outcome.kind === 'sequence-refused') this.#sequenceRefused(queue, batch, error)
    else if (outcome.kind === 'too-large') this.#tooLarge(queue, batch, error)
    else this.#failed(queue, batch, error, outcome.mayBeWritten)
  }

  #done(batch: ProducerBatch, error: Error | null): void {
    this.#trouble.over(formatTopicPartition(batch))
    this.#options.onDone(batch, error)
  }

  #settle(settled: readonly Settled[]): void {
    for (const { batch, error } of settled) this.#done(batch, error)
  }

  /** Expected for batches behind a failed one. For the first batch in flight, it means that the broker lost our sequences. */
  #sequenceRefused(queue: PartitionQueue, batch: ProducerBatch, error: BrokerError): void {
    if (queue.isFirst(batch)) {
      const doubt = batch.mayBeWritten ? ', records of unknown outcome may be written twice' : ''
      this.#cluster.logger.warn(`${error.message}; the producer gets another id${doubt}`)
    }
    const retryAt = batch.attempts === 1 ? 0 : this.#retryAt(batch)
    this.#settle(queue.requeueRenumbered(batch, error, retryAt))
  }

  #tooLarge(queue: PartitionQueue, batch: ProducerBatch, error: BrokerError): void {
    // The halves have other sequences, so the broker could not recognize records that it has already.
    if (batch.count > 1 && !batch.mayBeWritten) {
      this.#settle(queue.requeueSplit(batch, error))
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
    this.#options.onRetried({ topic: batch.topic, place: formatTopicPartition(batch) }, error)
    const now = this.#cluster.clock.monotonic()
    if (now - this.#warnedAt > warnEveryMs && batch.attempts > 1) {
      this.#warnedAt = now
      this.#cluster.logger.warn(`cannot write to ${formatTopicPartition(batch)}, retrying: ${error.message}`)
    }
    this.#settle(queue.requeue(batch, { error, mayBeWritten, retryAt: this.#retryAt(batch) }))
  }

  #drop(queue: PartitionQueue, batch: ProducerBatch, error: Error): void {
    queue.drop(batch)
    this.#done(batch, batch.isUncertain ? new UnknownOutcomeError(batch, error) : error)
  }

  #retryAt(batch: ProducerBatch): number {
    return this.#cluster.clock.monotonic() + backoffMs(this.#cluster.backoff, batch.attempts)
  }

  /** Gets one identity for all queues that need one: a sequence only counts within its partition. */
  async #identify(): Promise<void> {
    if (this.#isIdentifying) return
    this.#isIdentifying = true
    const { signal } = this.#closing
    try {
      const identity = await this.#cluster.retrying('get a producer id', { signal }, () => this.#newIdentity(signal))
      for (const queue of this.#active) if (queue.needsIdentity) queue.identify(identity)
    } catch (error) {
      if (!signal.aborted) this.#giveUp(error)
    } finally {
      this.#isIdentifying = false
    }
    this.send()
  }

  async #newIdentity(signal: AbortSignal): Promise<ProducerIdentity> {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
    const { errorCode, producerId, producerEpoch } = await this.#cluster.sendToAny(initProducerId, request, { signal })
    if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode, 'InitProducerId')
    return { producerId, producerEpoch }
  }

  /** Fails all waiting batches: none can be sent, because the client is not authorized, for example. */
  #giveUp(error: unknown): void {
    const cause = asError(error)
    for (const queue of this.#active)
      for (const batch of queue.clear())
        this.#done(batch, batch.isUncertain ? new UnknownOutcomeError(batch, cause) : cause)
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
      // A batch that is ready and was not taken waits for a response, a leader or an identity, not for the time.
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
