import type { BatchBuilder } from '../../protocol/record-batch/batch-builder.ts'
import type { Codec } from '../../protocol/record-batch/record-batch.ts'
import { OrderLostError } from '../errors.ts'
import type { BatchPool } from './batch-pool.ts'
import type { OutgoingRecord } from './outgoing-record.ts'
import { isAfter, ProducerBatch, sequenceAfter, type ProducerIdentity } from './producer-batch.ts'

/** The limits of a producer, which all its queues share. */
export interface QueueLimits {
  readonly batchSize: number
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly codec: Codec
}

/** When a record is appended. */
export interface AppendTime {
  /** Milliseconds since the epoch: the timestamp of a record that has none. */
  readonly epochMs: number
  /** Monotonic milliseconds. */
  readonly now: number
}

interface OpenBatch {
  readonly builder: BatchBuilder
  readonly since: number
  readonly tokens: number[]
}

/** A batch whose outcome is known: durable (`error` null), or given up. */
export interface Settled {
  readonly batch: ProducerBatch
  readonly error: Error | null
}

/** Why a batch was not acknowledged. */
export interface SendFailure {
  readonly error: Error
  /** Whether the batch may be in the log nevertheless: there was no response, or it does not rule that out. */
  readonly mayBeWritten: boolean
  /** Monotonic milliseconds before which the batch is not sent again. */
  readonly retryAt: number
}

/**
 * A broker may forget the sequences of an idle producer. Kafka does so after a day by default, but the broker's
 * `producer.id.expiration.ms` may say less.
 */
const idleAfterMs = 100

/**
 * The batches of one partition and the state of its sequences. No sockets and no clock: the sender takes batches and reports
 * their outcomes.
 *
 * Order and exactly-once delivery come from the broker's check of sequences
 * ([KIP-98](https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging)):
 * batches are sent, and sent again, in order and with the same sequences. But a broker accepts any sequence of a producer
 * that it has forgotten, and recognizes only the last five batches. Three rules follow.
 * - A batch is acknowledged by its own response only. If a later one was written first, the earlier one fails.
 * - With a fresh identity, after a failure and after a pause, one batch is in flight until one is acknowledged.
 * - A batch that may be written keeps its identity and sequence until the broker has responded to it, and is sent alone.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #limits: QueueLimits
  readonly #pool: BatchPool
  #identity: ProducerIdentity | null = null
  /** Whether the identity cannot number another batch. Batches that may be written are still sent under it. */
  #isSpent = false
  #open: OpenBatch | null = null
  #ready: ProducerBatch[] = []
  #inFlight: ProducerBatch[] = []
  /** Batches that failed and wait for the responses of the batches sent after them. */
  #returned: ProducerBatch[] = []
  #nextSequence = 0
  #nextOrder = 0
  /** The sequence that the broker expects: the one after the last acknowledged batch. */
  #expectedSequence = 0
  #isRecovering = false
  #mustRenumber = false
  #retryAt = 0
  #lastSentAt = Number.NEGATIVE_INFINITY

  constructor(place: { readonly topic: string; readonly partition: number }, limits: QueueLimits, pool: BatchPool) {
    this.topic = place.topic
    this.partition = place.partition
    this.#limits = limits
    this.#pool = pool
  }

  /** Whether nothing more can be sent before the broker assigns another identity. */
  get needsIdentity(): boolean {
    if (this.#identity !== null && !this.#isSpent) return false
    return this.#inFlight.length === 0 && !this.isEmpty && !this.#ready.some(mayBeWritten)
  }

  /** Whether no batch waits and none is in flight. */
  get isEmpty(): boolean {
    return this.#open === null && this.#ready.length + this.#inFlight.length + this.#returned.length === 0
  }

  /** Adds a record and returns the bytes it takes. @param maxSize an upper bound of them. */
  append(record: OutgoingRecord, maxSize: number, token: number, time: AppendTime): number {
    let open = this.#open
    if (open !== null && open.builder.size + maxSize > this.#limits.batchSize) {
      this.close()
      open = null
    }
    if (open === null) {
      open = { builder: this.#pool.take(), since: time.now, tokens: [] }
      this.#open = open
    }
    const before = open.builder.size
    open.builder.append(record.key, record.value, record.headers, record.timestamp ?? time.epochMs)
    open.tokens.push(token)
    return open.tokens.length === 1 ? open.builder.size : open.builder.size - before
  }

  /** Closes the batch that is being filled. */
  close(): void {
    const open = this.#open
    if (open === null) return
    this.#open = null
    const { topic, partition } = this
    const { builder, tokens, since } = open
    const { codec } = this.#limits
    const memory = builder.size
    const identity = this.#identity
    const baseSequence = this.#nextSequence
    const stamp = identity === null ? null : { identity, baseSequence }
    const closed = this.#pool.close(builder, stamp === null ? { codec } : { codec, ...stamp.identity, baseSequence })
    const order = this.#nextOrder
    this.#nextOrder += 1
    const batch = new ProducerBatch({ topic, partition, ...closed, codec, tokens, memory, since, order, stamp })
    this.#nextSequence = sequenceAfter(baseSequence, batch.count)
    this.#ready.push(batch)
  }

  /** Sets an identity under which no sequence was used yet. No batch may be in flight. */
  identify(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#isSpent = false
    this.#expectedSequence = 0
    this.#mustRenumber = true
    this.#isRecovering = true
  }

  /**
   * Returns when the queue has a batch to send: 0 is immediately, otherwise monotonic milliseconds; infinity if there is none
   * until a response or a record comes.
   */
  readyAt(): number {
    // A broker recognizes only the last five batches: further ones behind one that may be written would make it forget that one.
    const isAlone = this.#isRecovering || this.#inFlight.some(mayBeWritten)
    const maxInFlight = isAlone ? 1 : this.#limits.maxInFlight
    if (this.#returned.length > 0 || this.#inFlight.length >= maxInFlight) return Number.POSITIVE_INFINITY
    if (this.#ready.length > 0) return this.#retryAt
    if (this.#open === null) return Number.POSITIVE_INFINITY
    return this.#inFlight.length === 0 ? this.#retryAt : this.#open.since + this.#limits.lingerMs
  }

  /** Returns the next batch to send, which is then in flight; null if there is none at this time. */
  take(now: number): ProducerBatch | null {
    if (this.#identity === null || this.readyAt() > now) return null
    if (this.#ready.length === 0) this.close()
    const batch = this.#next()
    if (batch === undefined) return null
    if (this.#inFlight.length === 0 && now - this.#lastSentAt > idleAfterMs) this.#isRecovering = true
    this.#lastSentAt = now
    batch.attempts += 1
    this.#inFlight.push(batch)
    return batch
  }

  /** The broker has written the batch, in this attempt or before, at `baseOffset`; -1 if it does not say where. */
  acknowledge(batch: ProducerBatch, baseOffset: number): Settled[] {
    this.#removeInFlight(batch)
    const expected = sequenceAfter(batch.baseSequence, batch.count)
    if (isAfter(expected, this.#expectedSequence)) this.#expectedSequence = expected
    const { overtakenAt, followsAt } = batch
    const isBeforeLaterOnes = overtakenAt === null || (baseOffset >= 0 && baseOffset < overtakenAt)
    const isBehindEarlierOnes = followsAt === null || baseOffset < 0 || baseOffset > followsAt
    const error = isBeforeLaterOnes && isBehindEarlierOnes ? null : new OrderLostError(batch, 'moved')
    const settled: Settled[] = [{ batch, error }]
    let overtook = false
    for (const waiting of [this.#inFlight, this.#returned, this.#ready]) {
      for (const other of waiting) {
        if (other.order < batch.order) {
          other.overtakenAt = Math.min(other.overtakenAt ?? baseOffset, baseOffset)
          overtook = true
        } else if (other.attempts > 0) other.followsAt = Math.max(other.followsAt ?? baseOffset, baseOffset)
      }
    }
    // Not more than are in flight now may be written behind an earlier one.
    this.#isRecovering = overtook
    if (overtook) settled.push(...this.#loseOvertaken())
    this.#moveReturned()
    return settled
  }

  /** Queues the batch to be sent again. Returns the batches that cannot be sent again. */
  requeue(batch: ProducerBatch, { error, mayBeWritten, retryAt }: SendFailure): Settled[] {
    batch.lastError = error
    if (mayBeWritten) batch.mayBeWritten = true
    return this.#return(batch, [batch], retryAt)
  }

  /** Queues a batch, which is not in the log under the sequence that the broker refused. Returns as {@link requeue} does. */
  requeueRenumbered(batch: ProducerBatch, error: Error, retryAt: number): Settled[] {
    if (this.isFirst(batch)) this.#isSpent = true
    batch.lastError = error
    if (batch.mayBeWritten) batch.wasUnclear = true
    batch.mayBeWritten = false
    return this.#return(batch, [batch], retryAt)
  }

  /** Queues a batch, which is not in the log, as two halves. Returns as {@link requeue} does. */
  requeueSplit(batch: ProducerBatch, error: Error): Settled[] {
    const halves = batch.split()
    for (const half of halves) {
      half.overtakenAt = batch.overtakenAt
      half.lastError = error
      half.wasUnclear = batch.wasUnclear
    }
    this.#mustRenumber = true
    return this.#return(batch, halves, 0)
  }

  /** Gives a batch up. The batches behind it take over its sequences, unless it may have been written under them. */
  drop(batch: ProducerBatch): void {
    this.#removeInFlight(batch)
    this.#leaveGap(batch.mayBeWritten)
    this.#moveReturned()
  }

  /** Returns whether no batch before this one is unacknowledged: if its sequence is refused, the broker has lost ours. */
  isFirst(batch: ProducerBatch): boolean {
    return !this.#mustRenumber && !this.#isSpent && this.#returned.length === 0 && this.#inFlight[0] === batch
  }

  /** Removes the waiting batches that were begun before `since` (monotonic). Those in flight stay. */
  expire(since: number): ProducerBatch[] {
    if (this.#open !== null && this.#open.since < since) this.close()
    const expired = this.#ready.filter((batch) => batch.since < since)
    if (expired.length === 0) return []
    this.#ready = this.#ready.filter((batch) => batch.since >= since)
    this.#leaveGap(expired.some(mayBeWritten))
    return expired
  }

  /** Removes all waiting batches. */
  clear(): ProducerBatch[] {
    this.close()
    const rest = [...this.#returned, ...this.#ready].toSorted(inOrder)
    this.#returned = []
    this.#ready = []
    if (rest.length > 0) this.#leaveGap(rest.some(mayBeWritten))
    return rest
  }

  /** While batches have to be renumbered, those that may be written are sent first, with the sequences they have. */
  #next(): ProducerBatch | undefined {
    if (!this.#mustRenumber && !this.#isSpent) return this.#ready.shift()
    if (this.#inFlight.length > 0) return undefined
    const unclear = this.#ready.findIndex(mayBeWritten)
    if (unclear >= 0) return this.#ready.splice(unclear, 1)[0]
    if (this.#isSpent) return undefined
    this.#renumber()
    return this.#ready.shift()
  }

  #removeInFlight(batch: ProducerBatch): void {
    const index = this.#inFlight.indexOf(batch)
    if (index >= 0) this.#inFlight.splice(index, 1)
  }

  #return(batch: ProducerBatch, parts: readonly ProducerBatch[], retryAt: number): Settled[] {
    this.#removeInFlight(batch)
    this.#returned.push(...parts)
    this.#isRecovering = true
    this.#retryAt = Math.max(this.#retryAt, retryAt)
    const lost = this.#loseOvertaken()
    this.#moveReturned()
    return lost
  }

  /** Removes the batches that are not in the log although a later one is. */
  #loseOvertaken(): Settled[] {
    const isLost = ({ overtakenAt, mayBeWritten }: ProducerBatch): boolean => overtakenAt !== null && !mayBeWritten
    const lost = [...this.#returned, ...this.#ready].filter(isLost)
    if (lost.length === 0) return []
    this.#returned = this.#returned.filter((batch) => !isLost(batch))
    this.#ready = this.#ready.filter((batch) => !isLost(batch))
    return lost
      .toSorted(inOrder)
      .map((batch) => ({ batch, error: new OrderLostError(batch, batch.wasUnclear ? 'unknown' : 'missing') }))
  }

  /** Sequences were removed. If their records may be in the log, no others may take them over: the identity ends. */
  #leaveGap(isUnclear: boolean): void {
    this.#mustRenumber = true
    this.#isRecovering = true
    if (isUnclear) this.#isSpent = true
  }

  /** Moves failed batches back to the front, in order, when no response is outstanding. */
  #moveReturned(): void {
    if (this.#inFlight.length > 0 || this.#returned.length === 0) return
    this.#ready = [...this.#returned, ...this.#ready].toSorted(inOrder)
    this.#returned = []
  }

  #renumber(): void {
    this.#mustRenumber = false
    let sequence = this.#expectedSequence
    for (const batch of this.#ready) {
      batch.stamp({ identity: this.#identity ?? { producerId: -1, producerEpoch: -1 }, baseSequence: sequence })
      sequence = sequenceAfter(sequence, batch.count)
    }
    this.#nextSequence = sequence
  }
}

function inOrder(a: ProducerBatch, b: ProducerBatch): number {
  return a.order - b.order
}

function mayBeWritten(batch: ProducerBatch): boolean {
  return batch.mayBeWritten
}
