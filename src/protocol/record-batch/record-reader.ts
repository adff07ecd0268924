import { decompress, defaultMaxUncompressedBytes } from './compression.ts'
import { ProtocolError } from '../protocol-error.ts'
import { batchHeaderSize, readBatchHeader, type BatchHeader } from './record-batch.ts'
import { VerifiedBatch } from './verified-batch.ts'
import { VarintReader } from '../bytes/varint.ts'

/** One record. `key`, `value` and header values are views of the (decompressed) batch: copy what must outlive it. */
export interface BatchRecord {
  readonly offset: number
  /** Milliseconds of the epoch; the broker's append time when the batch says so. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

const noHeaders: BatchRecord['headers'] = []
const absent = -1

/**
 * Iterates over the records of one batch without an object for each: after `next()` the fields are those of the record.
 * Lengths are checked against the batch; the CRC is not (see {@link VerifiedBatch}).
 */
export class RecordReader {
  /** Offset and timestamp of the current record. */
  offset = 0
  timestamp = 0
  /** Start and end of the record in {@link bytes}, with its length prefix. */
  start = 0
  end = 0
  /** The decompressed records. */
  readonly bytes: Buffer
  readonly header: BatchHeader
  readonly #cursor: VarintReader
  #left: number
  #keyStart = 0
  #keyLength = absent
  #valueStart = 0
  #valueLength = absent
  #headersStart = 0

  /**
   * @param batch a verified batch, or a buffer that begins with the whole batch.
   * @throws ProtocolError when it is incomplete, or cannot be decompressed within `maxBytes`.
   */
  constructor(batch: Buffer | VerifiedBatch, maxBytes = defaultMaxUncompressedBytes) {
    const buffer = batch instanceof VerifiedBatch ? batch.bytes : batch
    const header = batch instanceof VerifiedBatch ? batch.header : readBatchHeader(batch)
    if (header.sizeInBytes > buffer.length) throw new ProtocolError('a record batch is cut short')
    if (header.recordCount < 0) throw new ProtocolError(`record count ${header.recordCount} is negative`)
    const packed = buffer.subarray(batchHeaderSize, header.sizeInBytes)
    this.header = header
    // A batch whose records compaction removed keeps its codec bits and has nothing to decompress.
    this.bytes = packed.length === 0 ? packed : decompress(header.codec, packed, maxBytes)
    this.#cursor = new VarintReader(this.bytes, 0, this.bytes.length)
    this.#left = header.recordCount
  }

  /** Moves to the next record. Returns false after the last one. @throws ProtocolError for an invalid length. */
  next(): boolean {
    const cursor = this.#cursor
    if (this.#left === 0) {
      if (cursor.position !== cursor.end) throw new ProtocolError('bytes are left after the last record of a batch')
      return false
    }
    this.#left -= 1
    this.start = cursor.position
    const length = cursor.signed()
    const end = cursor.position + length
    if (length < 0 || end > cursor.end) throw new ProtocolError(`record length ${length} does not fit its batch`)
    cursor.position += 1
    const timestampDelta = cursor.signedLong()
    const header = this.header
    this.timestamp = header.timestampType === 1 ? header.maxTimestamp : header.baseTimestamp + timestampDelta
    this.offset = header.baseOffset + cursor.signed()
    this.#keyLength = this.#skipBytes(end)
    this.#keyStart = cursor.position - Math.max(this.#keyLength, 0)
    this.#valueLength = this.#skipBytes(end)
    this.#valueStart = cursor.position - Math.max(this.#valueLength, 0)
    this.#headersStart = cursor.position
    this.end = end
    // Every record has at least the byte of its header count. Headers are decoded on demand.
    if (cursor.position >= end) throw new ProtocolError('a record is longer than its length')
    cursor.position = end
    return true
  }

  /** Whether the record has no key. */
  get keyIsNull(): boolean {
    return this.#keyLength === absent
  }

  /** Whether the record is a tombstone. */
  get valueIsNull(): boolean {
    return this.#valueLength === absent
  }

  /** The key, as a view. */
  key(): Buffer | null {
    return this.#keyLength === absent ? null : this.bytes.subarray(this.#keyStart, this.#keyStart + this.#keyLength)
  }

  /** The value, as a view. */
  value(): Buffer | null {
    if (this.#valueLength === absent) return null
    return this.bytes.subarray(this.#valueStart, this.#valueStart + this.#valueLength)
  }

  /** The headers; their values are views. @throws ProtocolError for an invalid length. */
  headers(): BatchRecord['headers'] {
    if (this.bytes[this.#headersStart] === 0 && this.#headersStart + 1 === this.end) return noHeaders
    const cursor = new VarintReader(this.bytes, this.#headersStart, this.end)
    const count = cursor.signed()
    if (count < 0 || count > this.end - cursor.position)
      throw new ProtocolError(`header count ${count} does not fit its record`)
    const headers: { key: string; value: Buffer | null }[] = []
    for (let i = 0; i < count; i += 1) {
      const key = takeBytes(cursor)
      if (key === null) throw new ProtocolError('a record header has no key')
      headers.push({ key: key.toString('utf8'), value: takeBytes(cursor) })
    }
    if (cursor.position !== this.end) throw new ProtocolError('bytes are left after the headers of a record')
    return headers
  }

  #skipBytes(end: number): number {
    const cursor = this.#cursor
    const length = cursor.signed()
    if (length < absent || length > end - cursor.position)
      throw new ProtocolError(`length ${length} does not fit its record`)
    if (length > 0) cursor.position += length
    return length
  }
}

function takeBytes(cursor: VarintReader): Buffer | null {
  const length = cursor.signed()
  if (length < absent || length > cursor.end - cursor.position)
    throw new ProtocolError(`length ${length} does not fit its record`)
  if (length === absent) return null
  cursor.position += length
  return cursor.buffer.subarray(cursor.position - length, cursor.position)
}
