import type { BatchBuilder, RecordHeader } from '../../protocol/record-batch/batch-builder.ts'
import type { Codec } from '../../protocol/record-batch/record-batch.ts'
import { OrderLostError } from '../errors.ts'
import { isAfter, ProducerBatch, sequenceAfter, type ProducerIdentity } from './producer-batch.ts'

/** A record on its way to a topic. Bytes are copied by `append`. */
export interface OutgoingRecord {
  readonly topic: string
  /** Null: by the key's murmur2 hash; without a key, by whole batches in turn. */
  readonly partition: number | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds of the epoch; null: the time of `append`. */
  readonly timestamp: number | null
}

/** What all queues of a producer have in common. */
export interface QueueLimits {
  readonly batchSize: number
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly codec: Codec
}

/** Lends batch builders, which keep large buffers, to the queues that are filling a batch. */
export interface BuilderPool {
  take(): BatchBuilder
  /** Takes an empty builder, or one whose batch is done with. */
  giveBack(builder: BatchBuilder): void
}

interface OpenBatch {
  readonly builder: BatchBuilder
  readonly since: number
  tokens: number[]
}

/** A batch whose fate is known: durable (`error` null), or given up. */
export interface Settled {
  readonly batch: ProducerBatch
  readonly error: Error | null
}

/** Why a batch was not acknowledged. */
export interface SendFailure {
  readonly error: Error
  /** Whether the batch may be in the log nevertheless: the answer is missing, or does not exclude it. */
  readonly mayBeWritten: boolean
  /** Monotonic milliseconds before which it is not sent again. */
  readonly retryAt: number
}

/** A broker may forget the sequences of a producer that is idle for longer. Kafka's is a day; it is a setting of the broker. */
const idleAfterMs = 100

/**
 * What waits for one partition, and the state of its sequences. No sockets and no clock: the sender takes batches and reports
 * what became of them.
 *
 * Order and exactly one copy come from the broker's check of sequences: batches are sent, and sent again, in order and under
 * the same numbers. But a broker takes any sequence of a producer that it has forgotten. Three rules follow.
 * - A batch is acknowledged by its own answer only. If a later one was written first, the earlier one fails.
 * - With a fresh identity, after a failure and after a pause, one batch is in flight until one is acknowledged.
 * - A batch that may be written keeps its identity and sequence until the broker has answered it.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #limits: QueueLimits
  readonly #builders: BuilderPool
  #identity: ProducerIdentity | null = null
  /** Whether the identity cannot number another batch. Those that may be written are still asked about under it. */
  #isSpent = false
  #open: OpenBatch | null = null
  #ready: ProducerBatch[] = []
  #inFlight: ProducerBatch[] = []
  /** Failed, waiting for the answers of those sent after them. */
  #returned: ProducerBatch[] = []
  #nextSequence = 0
  #nextOrder = 0
  /** The sequence the broker expects: that after the last batch that was acknowledged. */
  #expectedSequence = 0
  #isRecovering = false
  #mustRenumber = false
  #retryAt = 0
  #lastSentAt = Number.NEGATIVE_INFINITY

  constructor(topic: string, partition: number, limits: QueueLimits, builders: BuilderPool) {
    this.topic = topic
    this.partition = partition
    this.#limits = limits
    this.#builders = builders
  }

  /** Whether the broker has to give an identity before anything more can be sent. */
  get needsIdentity(): boolean {
    if (this.#identity !== null && !this.#isSpent) return false
    return this.#inFlight.length === 0 && !this.isEmpty && !this.#ready.some(mayBeWritten)
  }

  /** Whether nothing waits and nothing is in flight. */
  get isEmpty(): boolean {
    return this.#open === null && this.#ready.length + this.#inFlight.length + this.#returned.length === 0
  }

  /** Adds a record; the answer is the bytes it takes. @param size an upper bound of them. */
  append(record: OutgoingRecord, size: number, token: number, epochMs: number, now: number): number {
    let open = this.#open
    if (open !== null && open.builder.size + size > this.#limits.batchSize) {
      this.close()
      open = null
    }
    if (open === null) {
      open = { builder: this.#builders.take(), since: now, tokens: [] }
      this.#open = open
    }
    const before = open.builder.size
    open.builder.append(record.key, record.value, record.headers, record.timestamp ?? epochMs)
    open.tokens.push(token)
    return open.tokens.length === 1 ? open.builder.size : open.builder.size - before
  }

  /** Closes the batch that is being filled. */
  close(): void {
    const open = this.#open
    if (open === null) return
    this.#open = null
    const { builder, tokens, since } = open
    const { codec } = this.#limits
    const memory = builder.size
    const identity = this.#identity
    const baseSequence = this.#nextSequence
    const stamp = identity === null ? { codec } : { codec, ...identity, baseSequence }
    const { batch: bytes, lends } = builder.finishLending(stamp)
    if (!lends) this.#builders.giveBack(builder)
    const { topic, partition } = this
    const order = this.#nextOrder
    this.#nextOrder += 1
    const batch = new ProducerBatch({
      topic,
      partition,
      bytes,
      codec,
      tokens,
      memory,
      since,
      order,
      lender: lends ? builder : null,
    })
    if (identity !== null) batch.builtWith(identity, baseSequence)
    this.#nextSequence = sequenceAfter(baseSequence, batch.count)
    this.#ready.push(batch)
  }

  /** Gives the queue an identity that no sequence was used with. Nothing may be in flight. */
  identify(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#isSpent = false
    this.#expectedSequence = 0
    this.#mustRenumber = true
    this.#isRecovering = true
  }

  /**
   * When the queue has something to send: 0 for at once, a monotonic time for not before it, infinity for nothing to send
   * until an answer or a record comes.
   */
  readyAt(): number {
    const room = this.#isRecovering ? 1 : this.#limits.maxInFlight
    if (this.#returned.length > 0 || this.#inFlight.length >= room) return Number.POSITIVE_INFINITY
    if (this.#ready.length > 0) return this.#retryAt
    if (this.#open === null) return Number.POSITIVE_INFINITY
    return this.#inFlight.length === 0 ? this.#retryAt : this.#open.since + this.#limits.lingerMs
  }

  /** The next batch to send; null when there is none at this time. It is in flight from here on. */
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

  /** The broker has written the batch, now or before, at `baseOffset`; -1 when it does not say where. */
  acknowledge(batch: ProducerBatch, baseOffset: number): Settled[] {
    this.#land(batch)
    const expected = sequenceAfter(batch.baseSequence, batch.count)
    if (isAfter(expected, this.#expectedSequence)) this.#expectedSequence = expected
    const { overtakenAt, followsAt } = batch
    const isBeforeThoseBehind = overtakenAt === null || (baseOffset >= 0 && baseOffset < overtakenAt)
    const isBehindThoseBefore = followsAt === null || baseOffset < 0 || baseOffset > followsAt
    const error = isBeforeThoseBehind && isBehindThoseBefore ? null : new OrderLostError(batch, 'moved')
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
    if (overtook) settled.push(...this.#loseOvertaken())
    else this.#isRecovering = false
    this.#settle()
    return settled
  }

  /** The batch has to be sent again. The answer is what cannot be. */
  giveBack(batch: ProducerBatch, { error, mayBeWritten, retryAt }: SendFailure): Settled[] {
    batch.lastError = error
    if (mayBeWritten) batch.mayBeWritten = true
    return this.#return(batch, [batch], retryAt)
  }

  /** The broker refused the sequence: the batch is not in the log under it. The answer is what cannot be sent again. */
  sequenceRefused(batch: ProducerBatch, error: Error, retryAt: number): Settled[] {
    if (this.isFirst(batch)) this.#isSpent = true
    batch.lastError = error
    if (batch.mayBeWritten) batch.wasUnclear = true
    batch.mayBeWritten = false
    return this.#return(batch, [batch], retryAt)
  }

  /** The batch, which is not in the log, has to be sent again in two halves. The answer is what cannot be sent again. */
  giveBackSplit(batch: ProducerBatch, error: Error): Settled[] {
    const halves = batch.split()
    for (const half of halves) {
      half.overtakenAt = batch.overtakenAt
      half.lastError = error
      half.wasUnclear = batch.wasUnclear
    }
    this.#mustRenumber = true
    return this.#return(batch, halves, 0)
  }

  /** The batch is given up. Those behind it move up into its sequences, unless it may have been written under them. */
  drop(batch: ProducerBatch): void {
    this.#land(batch)
    this.#leaveGap(batch.mayBeWritten)
    this.#settle()
  }

  /** Whether no batch before this one is unanswered or failed: that its sequence is refused is then not our own doing. */
  isFirst(batch: ProducerBatch): boolean {
    return !this.#mustRenumber && !this.#isSpent && this.#returned.length === 0 && this.#inFlight[0] === batch
  }

  /** Takes out what waits and was appended before `since` (monotonic). What is in flight stays. */
  expire(since: number): ProducerBatch[] {
    if (this.#open !== null && this.#open.since < since) this.close()
    const expired = this.#ready.filter((batch) => batch.since < since)
    if (expired.length === 0) return []
    this.#ready = this.#ready.filter((batch) => batch.since >= since)
    this.#leaveGap(expired.some(mayBeWritten))
    return expired
  }

  /** Takes out everything that waits. */
  clear(): ProducerBatch[] {
    this.close()
    const rest = [...this.#returned, ...this.#ready].toSorted(inOrder)
    this.#returned = []
    this.#ready = []
    if (rest.length > 0) this.#leaveGap(rest.some(mayBeWritten))
    return rest
  }

  /** While batches have to be numbered again, batches that may be written come first, under those that they have. */
  #next(): ProducerBatch | undefined {
    if (!this.#mustRenumber && !this.#isSpent) return this.#ready.shift()
    if (this.#inFlight.length > 0) return undefined
    const unclear = this.#ready.findIndex(mayBeWritten)
    if (unclear >= 0) return this.#ready.splice(unclear, 1)[0]
    if (this.#isSpent) return undefined
    this.#renumber()
    return this.#ready.shift()
  }

  #land(batch: ProducerBatch): void {
    const index = this.#inFlight.indexOf(batch)
    if (index >= 0) this.#inFlight.splice(index, 1)
  }

  #return(batch: ProducerBatch, parts: readonly ProducerBatch[], retryAt: number): Settled[] {
    this.#land(batch)
    this.#returned.push(...parts)
    this.#isRecovering = true
    this.#retryAt = Math.max(this.#retryAt, retryAt)
    const lost = this.#loseOvertaken()
    this.#settle()
    return lost
  }

  /** Takes out what is not in the log, though something behind it is. */
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

  /** Sequences were taken out. Those that may be in the log cannot be given to other records: the identity ends. */
  #leaveGap(isUnclear: boolean): void {
    this.#mustRenumber = true
    this.#isRecovering = true
    if (isUnclear) this.#isSpent = true
  }

  /** When everything in flight is answered, what failed goes back in front, in its order. */
  #settle(): void {
    if (this.#inFlight.length > 0 || this.#returned.length === 0) return
    this.#ready = [...this.#returned, ...this.#ready].toSorted(inOrder)
    this.#returned = []
  }

  #renumber(): void {
    this.#mustRenumber = false
    let sequence = this.#expectedSequence
    for (const batch of this.#ready) {
      batch.stamp(this.#identity ?? { producerId: -1, producerEpoch: -1 }, sequence)
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
