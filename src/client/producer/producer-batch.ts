import type { Codec } from '../../protocol/record-batch/record-batch.ts'
import { stampProducer } from '../../protocol/record-batch/record-batch.ts'
import { BatchBuilder } from '../../protocol/record-batch/batch-builder.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'

/** The id and epoch of an idempotent producer; sequences are counted per identity and partition. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** The identity and sequence in a batch's header. Identities are compared by object. */
export interface ProducerStamp {
  readonly identity: ProducerIdentity
  readonly baseSequence: number
}

const sequenceModulus = 2 ** 31

/** Returns the sequence `count` records after `sequence`; 0 follows 2^31 - 1. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % sequenceModulus
}

/** Returns whether `sequence` is later than `other`, by less than half of all sequences. */
export function isAfter(sequence: number, other: number): boolean {
  const distance = (sequence - other + sequenceModulus) % sequenceModulus
  return distance > 0 && distance < sequenceModulus / 2
}

interface BatchFields {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
  readonly codec: Codec
  readonly tokens: readonly number[]
  readonly memory: number
  readonly since: number
  readonly order: number
  readonly pooledBuilder: BatchBuilder | null
  /** What the bytes are stamped with already; null if they are not. */
  readonly stamp: ProducerStamp | null
  /** The distance to the order of the next batch; 1 unless this is a part of a split batch. */
  readonly room?: number
}

/** A closed batch for a partition. */
export class ProducerBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
  readonly codec: Codec
  /** One per record, in order. */
  readonly tokens: readonly number[]
  /** Bytes that count towards the producer's memory. */
  readonly memory: number
  /** Monotonic milliseconds when its first record was appended. */
  readonly since: number
  /** Its place among the batches of its partition: the halves of a split batch share the room up to the next one. */
  readonly order: number
  /** The builder of the producer's pool whose buffer holds the bytes; null if they have a buffer of their own. */
  readonly pooledBuilder: BatchBuilder | null
  attempts = 0
  /** The last failure of sending it. */
  lastError: Error | null = null
  /** Whether the outcome of an attempt under its present sequence is unknown: only a retry with that sequence can tell. */
  mayBeWritten = false
  /** Whether its outcome was unknown when the broker refused the sequence: the broker may have lost it after writing it. */
  wasUnclear = false
  /** The lowest base offset of the later batches that the broker wrote before this one; null if there are none. */
  overtakenAt: number | null = null
  /** The highest base offset of the earlier batches that were acknowledged while this one was in flight; null if none. */
  followsAt: number | null = null
  readonly #room: number
  #stamp: ProducerStamp | null

  constructor(fields: BatchFields) {
    this.topic = fields.topic
    this.partition = fields.partition
    this.bytes = fields.bytes
    this.codec = fields.codec
    this.tokens = fields.tokens
    this.memory = fields.memory
    this.since = fields.since
    this.order = fields.order
    this.pooledBuilder = fields.pooledBuilder
    this.#room = fields.room ?? 1
    this.#stamp = fields.stamp
  }

  get count(): number {
    return this.tokens.length
  }

  /** Whether a copy of it may be in the log. */
  get isUncertain(): boolean {
    return this.mayBeWritten || this.wasUnclear
  }

  get baseSequence(): number {
    return this.#stamp?.baseSequence ?? -1
  }

  /** Writes identity and sequence into the bytes, unless they are there. */
  stamp(stamp: ProducerStamp): void {
    const { identity, baseSequence } = stamp
    if (this.#stamp?.identity === identity && this.#stamp.baseSequence === baseSequence) return
    stampProducer(this.bytes, 0, { ...identity, baseSequence })
    this.#stamp = stamp
  }

  /** The key of its first record. */
  firstKey(): Buffer | null {
    const reader = new RecordReader(this.bytes)
    reader.next()
    return reader.key()
  }

  /** Returns two batches with the same records, for a broker that found this one too large. They are not stamped. */
  split(): [ProducerBatch, ProducerBatch] {
    const half = this.count >> 1
    const reader = new RecordReader(this.bytes)
    const firstMemory = Math.round((this.memory * half) / this.count)
    const take = (from: number, to: number): ProducerBatch => {
      const builder = new BatchBuilder(this.bytes.length)
      for (let i = from; i < to; i += 1) {
        reader.next()
        builder.append(reader.key(), reader.value(), reader.headers(), reader.timestamp)
      }
      const { topic, partition, codec, since, order } = this
      return new ProducerBatch({
        topic,
        partition,
        bytes: builder.finish({ codec }),
        codec,
        tokens: this.tokens.slice(from, to),
        memory: from === 0 ? firstMemory : this.memory - firstMemory,
        since,
        order: from === 0 ? order : order + this.#room / 2,
        pooledBuilder: null,
        stamp: null,
        room: this.#room / 2,
      })
    }
    return [take(0, half), take(half, this.count)]
  }
}
