import { compress } from './compression.ts'
import { ProtocolError } from '../protocol-error.ts'
import { batchAttributes, batchHeaderSize, writeBatchHeader, type Codec } from './record-batch.ts'
import { sizeOfUnsignedVarint, sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../bytes/varint.ts'

/** A header of a record: the key is text, keys may repeat. */
export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** The options of {@link BatchBuilder.finish}. Without a producer the batch is not idempotent. */
export interface FinishOptions {
  readonly codec?: Codec
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
}

const smallCopy = 32
const headerKeyCacheLimit = 256

/** Bytes of header keys, which repeat from record to record. */
const headerKeyBytes = new Map<string, Uint8Array>()

function bytesOfHeaderKey(key: string): Uint8Array {
  const known = headerKeyBytes.get(key)
  if (known !== undefined) return known
  const bytes = Buffer.from(key, 'utf8')
  if (headerKeyBytes.size < headerKeyCacheLimit) headerKeyBytes.set(key, bytes)
  return bytes
}

/** Short runs are copied by hand: the call of `set` costs more than they do. */
function copyBytes(target: Buffer, source: Uint8Array, position: number): number {
  const length = source.length
  if (length > smallCopy) target.set(source, position)
  else for (let i = 0; i < length; i += 1) target[position + i] = source[i] as number
  return position + length
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function writeBytes(target: Buffer, bytes: Uint8Array | null, position: number): number {
  if (bytes === null) {
    target[position] = 1 // zig-zag of -1
    return position + 1
  }
  return copyBytes(target, bytes, writeVarint(target, bytes.length, position))
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let size = sizeOfVarint(headers.length)
  for (const header of headers) size += sizeOfBytes(bytesOfHeaderKey(header.key)) + sizeOfBytes(header.value)
  return size
}

/** Bytes a record takes in a batch at most, whatever its place in it. */
export function recordSizeBound(
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: readonly RecordHeader[],
): number {
  return 21 + sizeOfBytes(key) + sizeOfBytes(value) + sizeOfHeaders(headers)
}

/**
 * Writes records into one RecordBatch, in one pass, into a buffer that it keeps from batch to batch. `finish` gives the batch
 * as a buffer of its own and empties the builder.
 */
export class BatchBuilder {
  #buffer: Buffer
  #position = batchHeaderSize
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0

  /** @param initialBytes what the buffer holds before it grows. */
  constructor(initialBytes = 16 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(initialBytes, batchHeaderSize * 2))
  }

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the batch so far, header included, before compression. */
  get size(): number {
    return this.#position
  }

  /** Bytes of the buffer that the builder keeps. */
  get capacity(): number {
    return this.#buffer.length
  }

  /** Adds a record; `timestampMs` is milliseconds of the epoch. The bytes are copied. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly RecordHeader[],
    timestampMs: number,
  ): void {
    if (this.#count === 0) {
      this.#baseTimestamp = timestampMs
      this.#maxTimestamp = timestampMs
    } else if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs
    const timestampDelta = timestampMs - this.#baseTimestamp
    const bodySize =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(this.#count) +
      sizeOfBytes(key) +
      sizeOfBytes(value) +
      (headers.length === 0 ? 1 : sizeOfHeaders(headers))
    this.#reserve(bodySize + sizeOfUnsignedVarint(bodySize * 2))
    const buffer = this.#buffer
    let at = writeVarint(buffer, bodySize, this.#position)
    buffer[at] = 0
    at = writeVarlong(buffer, timestampDelta, at + 1)
    at = writeVarint(buffer, this.#count, at)
    at = writeBytes(buffer, key, at)
    at = writeBytes(buffer, value, at)
    at = writeVarint(buffer, headers.length, at)
    for (const header of headers) {
      at = writeBytes(buffer, bytesOfHeaderKey(header.key), at)
      at = writeBytes(buffer, header.value, at)
    }
    this.#position = at
    this.#count += 1
  }

  /** The batch, with base offset 0 and leader epoch -1: the broker gives both. @throws ProtocolError when there is no record. */
  finish(options: FinishOptions = {}): Buffer {
    const batch = this.#packed(options.codec ?? 'none')
    this.#seal(batch, options)
    this.reset()
    return batch
  }

  /**
   * {@link finish} without a copy where the batch fills most of the builder's buffer: then it `lends` it, and the builder is
   * to be left alone until the batch is done with, and to be `reset` then.
   */
  finishLending(options: FinishOptions = {}): { readonly batch: Buffer; readonly lends: boolean } {
    const lends = (options.codec ?? 'none') === 'none' && this.#position * 2 > this.#buffer.length
    if (!lends) return { batch: this.finish(options), lends }
    const batch = this.#buffer.subarray(0, this.#position)
    this.#seal(batch, options)
    return { batch, lends }
  }

  #seal(batch: Buffer, options: FinishOptions): void {
    if (this.#count === 0) throw new ProtocolError('a record batch needs at least one record')
    const codec = options.codec ?? 'none'
    const producerId = options.producerId ?? -1
    writeBatchHeader(batch, 0, batch.length, {
      baseOffset: 0,
      partitionLeaderEpoch: -1,
      attributes: batchAttributes({ codec, isTransactional: options.isTransactional ?? false }),
      lastOffsetDelta: this.#count - 1,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId,
      producerEpoch: options.producerEpoch ?? -1,
      baseSequence: options.baseSequence ?? -1,
      recordCount: this.#count,
    })
  }

  /** Forgets what was added. */
  reset(): void {
    this.#position = batchHeaderSize
    this.#count = 0
  }

  #packed(codec: Codec): Buffer {
    if (codec === 'none') {
      const batch = Buffer.allocUnsafeSlow(this.#position)
      this.#buffer.copy(batch, 0, 0, this.#position)
      return batch
    }
    const records = compress(codec, this.#buffer.subarray(batchHeaderSize, this.#position))
    const batch = Buffer.allocUnsafeSlow(batchHeaderSize + records.length)
    records.copy(batch, batchHeaderSize)
    return batch
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#position)
    this.#buffer = grown
  }
}
