import type { BatchBuilder, RecordHeader } from '../protocol/batch-builder.ts'
import type { Codec } from '../protocol/record-batch.ts'
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

/**
 * What waits for one partition, and the state of its sequences. No sockets and no clock: the sender takes batches and reports
 * what became of them.
 *
 * Order and exactly one copy come from the broker's check of sequences: batches are numbered when they close, are sent in
 * that order, and those that fail are sent again in that order under the same numbers. After a failure nothing is sent until
 * every batch in flight has been answered; then one at a time until one has passed. So it is with a fresh identity.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #limits: QueueLimits
  readonly #builders: BuilderPool
  #identity: ProducerIdentity | null = null
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

  constructor(topic: string, partition: number, limits: QueueLimits, builders: BuilderPool) {
    this.topic = topic
    this.partition = partition
    this.#limits = limits
    this.#builders = builders
  }

  /** Whether the broker has to give an identity before anything more can be sent. */
  get needsIdentity(): boolean {
    return this.#identity === null && this.#inFlight.length === 0 && !this.isEmpty
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
    this.#expectedSequence = 0
    this.#mustRenumber = true
    // A broker that has seen nothing of an identity takes any sequence as its first: a second batch must not come before it.
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
    if (this.#mustRenumber) this.#renumber()
    const batch = this.#ready.shift()
    if (batch === undefined) return null
    batch.stamp(this.#identity, batch.baseSequence)
    batch.attempts += 1
    this.#inFlight.push(batch)
    return batch
  }

  /**
   * The broker has the batch. The answer is what is durable by that, in order: a broker takes a batch only behind those with
   * the numbers before it, so earlier ones that seemed to have failed are there too.
   */
  acknowledge(batch: ProducerBatch): readonly ProducerBatch[] {
    this.#land(batch)
    const expected = sequenceAfter(batch.baseSequence, batch.count)
    if (isAfter(expected, this.#expectedSequence)) this.#expectedSequence = expected
    this.#isRecovering = false
    const implied = this.#returned.filter((earlier) => earlier.order < batch.order)
    if (implied.length > 0) this.#returned = this.#returned.filter((later) => later.order > batch.order)
    this.#settle()
    return [...implied.toSorted(inOrder), batch]
  }

  /** The batch has to be sent again, not before `retryAt`. */
  giveBack(batch: ProducerBatch, error: Error, retryAt: number): void {
    this.#land(batch)
    batch.lastError = error
    this.#returned.push(batch)
    this.#recoverAt(retryAt)
  }

  /** The batch has to be sent again in two halves. */
  giveBackSplit(batch: ProducerBatch): void {
    this.#land(batch)
    this.#returned.push(...batch.split())
    this.#mustRenumber = true
    this.#recoverAt(0)
  }

  /** The batch is given up; those behind it move up into its sequences. */
  drop(batch: ProducerBatch): void {
    this.#land(batch)
    this.#mustRenumber = true
    this.#recoverAt(0)
  }

  /** Whether no batch before this one is unanswered or failed: an "out of order" can then not be healed by waiting. */
  isFirst(batch: ProducerBatch): boolean {
    return !this.#mustRenumber && this.#returned.length === 0 && this.#inFlight[0] === batch
  }

  /** The broker does not know the sequences any more, or an outcome is unknown: a new identity is needed. */
  forgetIdentity(): void {
    this.#identity = null
  }

  /** Takes out what waits and was appended before `since` (monotonic). What is in flight stays. */
  expire(since: number): ProducerBatch[] {
    if (this.#open !== null && this.#open.since < since) this.close()
    const expired = this.#ready.filter((batch) => batch.since < since)
    if (expired.length === 0) return []
    this.#ready = this.#ready.filter((batch) => batch.since >= since)
    this.#mustRenumber = true
    return expired
  }

  /** Takes out everything that waits. */
  clear(): ProducerBatch[] {
    this.close()
    const rest = [...this.#returned, ...this.#ready]
    this.#returned = []
    this.#ready = []
    return rest
  }

  #land(batch: ProducerBatch): void {
    const index = this.#inFlight.indexOf(batch)
    if (index >= 0) this.#inFlight.splice(index, 1)
  }

  #recoverAt(retryAt: number): void {
    this.#isRecovering = true
    this.#retryAt = Math.max(this.#retryAt, retryAt)
    this.#settle()
  }

  /** When everything in flight is answered, what failed goes back in front, in its order. */
  #settle(): void {
    if (this.#inFlight.length > 0 || this.#returned.length === 0) return
    this.#ready = [...this.#returned.toSorted(inOrder), ...this.#ready]
    this.#returned = []
  }

  #renumber(): void {
    if (this.#inFlight.length > 0) return
    this.#mustRenumber = false
    let sequence = this.#expectedSequence
    for (const batch of this.#ready) {
      batch.stamp(this.#identity ?? { producerId: -1, producerEpoch: -1 }, sequence)
      sequence = sequenceAfter(sequence, batch.count)
    }
    this.#nextSequence = sequence
  }
}

/** Halves of one batch have the same order, and stand in the right one. */
function inOrder(a: ProducerBatch, b: ProducerBatch): number {
  return a.order - b.order
}
