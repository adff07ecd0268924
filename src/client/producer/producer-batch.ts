import type { Codec } from '../../protocol/record-batch/record-batch.ts'
import { stampProducer } from '../../protocol/record-batch/record-batch.ts'
import { BatchBuilder } from '../../protocol/record-batch/batch-builder.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'

/** The id and epoch that make a producer's sequences mean something to a broker. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

const sequenceModulus = 2 ** 31

/** The sequence `count` records after `sequence`; it starts again at 0 after 2^31 - 1. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % sequenceModulus
}

/** Whether `sequence` is later than `other`, when neither is half of all sequences ahead. */
export function isAfter(sequence: number, other: number): boolean {
  const distance = (sequence - other + sequenceModulus) % sequenceModulus
  return distance > 0 && distance < sequenceModulus / 2
}

/** A closed batch on its way to a partition. */
export class ProducerBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
  readonly codec: Codec
  /** One per record, in order. */
  readonly tokens: readonly number[]
  /** What the batch counts for in the producer's memory. */
  readonly memory: number
  /** Monotonic milliseconds when its first record was appended. */
  readonly since: number
  /** Its place among the batches of its partition: halves of a split batch share the room up to the next one. */
  readonly order: number
  /** Whose buffer the bytes lie in; null when they have one of their own. */
  readonly lender: BatchBuilder | null
  attempts = 0
  /** The last failure of sending it. */
  lastError: Error | null = null
  /** Whether the outcome of an attempt under its present sequence is unknown: only the broker can say, asked with that sequence. */
  mayBeWritten = false
  /** Whether its outcome was unknown when the broker refused the sequence: it may have lost that of a batch that it has. */
  wasUnclear = false
  /** The lowest base offset of the batches behind it that the broker took before this one; null: none. */
  overtakenAt: number | null = null
  /** The highest base offset of the batches before it that were acknowledged while it was in flight; null: none. */
  followsAt: number | null = null
  readonly #room: number
  #identity: ProducerIdentity | null = null
  #baseSequence = -1

  constructor(fields: {
    readonly topic: string
    readonly partition: number
    readonly bytes: Buffer
    readonly codec: Codec
    readonly tokens: readonly number[]
    readonly memory: number
    readonly since: number
    readonly order: number
    readonly lender: BatchBuilder | null
    /** How far it is to the next place among the batches; 1 unless it is a part of another one. */
    readonly room?: number
  }) {
    this.topic = fields.topic
    this.partition = fields.partition
    this.bytes = fields.bytes
    this.codec = fields.codec
    this.tokens = fields.tokens
    this.memory = fields.memory
    this.since = fields.since
    this.order = fields.order
    this.lender = fields.lender
    this.#room = fields.room ?? 1
  }

  get count(): number {
    return this.tokens.length
  }

  /** Whether a copy of it may be in the log. */
  get isUncertain(): boolean {
    return this.mayBeWritten || this.wasUnclear
  }

  get baseSequence(): number {
    return this.#baseSequence
  }

  /** Says what the bytes carry already, when the batch was built with it. */
  builtWith(identity: ProducerIdentity, baseSequence: number): this {
    this.#identity = identity
    this.#baseSequence = baseSequence
    return this
  }

  /** Writes identity and sequence into the bytes, unless they carry them. */
  stamp(identity: ProducerIdentity, baseSequence: number): void {
    if (this.#identity === identity && this.#baseSequence === baseSequence) return
    stampProducer(this.bytes, 0, { ...identity, baseSequence })
    this.#identity = identity
    this.#baseSequence = baseSequence
  }

  /** The key of its first record. */
  firstKey(): Buffer | null {
    const reader = new RecordReader(this.bytes)
    reader.next()
    return reader.key()
  }

  /** Two batches with the same records, for a broker that found this one too large. Unstamped. */
  split(): [ProducerBatch, ProducerBatch] {
    const half = this.count >> 1
    const reader = new RecordReader(this.bytes)
    const take = (from: number, to: number): ProducerBatch => {
      const builder = new BatchBuilder(this.bytes.length)
      for (let i = from; i < to; i += 1) {
        reader.next()
        builder.append(reader.key(), reader.value(), reader.headers(), reader.timestamp)
      }
      const tokens = this.tokens.slice(from, to)
      const memory = Math.round((this.memory * tokens.length) / this.count)
      const { topic, partition, codec, since, order } = this
      return new ProducerBatch({
        topic,
        partition,
        bytes: builder.finish({ codec }),
        codec,
        tokens,
        memory: from === 0 ? memory : this.memory - Math.round((this.memory * half) / this.count),
        since,
        order: from === 0 ? order : order + this.#room / 2,
        lender: null,
        room: this.#room / 2,
      })
    }
    return [take(0, half), take(half, this.count)]
  }
}
