import {
  batchHeaderSize,
  batchSizeAt,
  readBatchHeader,
  batchFault,
  type BatchHeader,
} from '../../protocol/record-batch/record-batch.ts'
import { readInt64 } from '../../protocol/bytes/int64.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import { CorruptBatchError } from '../errors.ts'
import type { FetchedRecord } from './fetched-record.ts'

/** A transaction that was aborted: what its producer wrote from `firstOffset` to the next abort marker does not count. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

interface Chunk {
  readonly bytes: Buffer
  /** In order of first offset; null: everything counts. */
  readonly aborted: readonly AbortedTransaction[] | null
  /** Producers inside an aborted transaction at `at`. */
  readonly aborting: Set<number>
  nextAborted: number
  at: number
}

const abortMarker = 0

/**
 * What was fetched of one partition and not handed out yet. Batches stay as they came; records are made when they are read.
 * `position` passes over everything that is not delivered: control batches, aborted records, offsets that compaction removed.
 */
export class PartitionBuffer {
  readonly topic: string
  readonly partition: number
  /** Offset of the next record to hand out. */
  position: number
  /** Offset to fetch from, behind what is buffered. */
  fetchOffset: number
  /** Bytes that are buffered. */
  bytes = 0
  #chunks: Chunk[] = []
  #reader: RecordReader | null = null

  constructor(topic: string, partition: number, position: number) {
    this.topic = topic
    this.partition = partition
    this.position = position
    this.fetchOffset = position
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }

  /** Forgets what is buffered and goes on at `position`. */
  reset(position: number): void {
    this.#chunks = []
    this.#reader = null
    this.bytes = 0
    this.position = position
    this.fetchOffset = position
  }

  /** Adds what was fetched from `fetchOffset`. A batch that is cut off at the end is left out. */
  push(bytes: Buffer, aborted: readonly AbortedTransaction[] | null): void {
    let end = 0
    for (let size = batchSizeAt(bytes, 0); size >= batchHeaderSize && end + size <= bytes.length;) {
      // Where the last whole batch ends is where the next fetch begins; nothing else is looked at here.
      this.fetchOffset = Math.max(this.fetchOffset, readInt64(bytes, end) + bytes.readInt32BE(end + 23) + 1)
      end += size
      size = batchSizeAt(bytes, end)
    }
    if (end === 0) return
    this.bytes += end
    this.#chunks.push({
      bytes: end === bytes.length ? bytes : bytes.subarray(0, end),
      aborted: aborted === null ? null : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset),
      aborting: new Set(),
      nextAborted: 0,
      at: 0,
    })
  }

  /**
   * Appends up to `max` records to `into`.
   * @throws CorruptBatchError when a batch fails its checksum or does not decode; the position stays before it.
   */
  read(into: FetchedRecord[], max: number): void {
    let left = max
    while (left > 0) {
      const reader = this.#reader ?? this.#nextBatch()
      if (reader === null) return
      left -= this.#readBatch(reader, into, left)
    }
  }

  #readBatch(reader: RecordReader, into: FetchedRecord[], max: number): number {
    const { topic, partition } = this
    const timestampType = reader.header.timestampType
    let count = 0
    try {
      while (count < max) {
        if (!reader.next()) {
          this.#endBatch(reader.header)
          return count
        }
        const { offset } = reader
        if (offset < this.position) continue
        const { timestamp } = reader
        into.push({
          topic,
          partition,
          offset,
          timestamp,
          timestampType,
          key: reader.key(),
          value: reader.value(),
          headers: reader.headers(),
        })
        this.position = offset + 1
        count += 1
      }
    } catch (error) {
      throw new CorruptBatchError(topic, partition, reader.header.baseOffset, error)
    }
    return count
  }

  /** Goes to the next batch with records that count; passes over all others. Null: the buffer is empty. */
  #nextBatch(): RecordReader | null {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      while (chunk.at < chunk.bytes.length) {
        const header = this.#verified(chunk)
        if (header.lastOffset >= this.position && this.#counts(chunk, header)) {
          this.#reader = this.#open(chunk, header)
          return this.#reader
        }
        this.#endBatch(header)
      }
      this.#chunks.shift()
    }
    return null
  }

  #verified(chunk: Chunk): BatchHeader {
    const fault = batchFault(chunk.bytes, chunk.at)
    if (fault !== null) throw new CorruptBatchError(this.topic, this.partition, readInt64(chunk.bytes, chunk.at), fault)
    return readBatchHeader(chunk.bytes, chunk.at)
  }

  #open(chunk: Chunk, header: BatchHeader): RecordReader {
    try {
      return new RecordReader(chunk.bytes, chunk.at)
    } catch (error) {
      throw new CorruptBatchError(this.topic, this.partition, header.baseOffset, error)
    }
  }

  /** Whether the records of a batch are to be delivered; keeps track of which transactions are aborted. */
  #counts(chunk: Chunk, header: BatchHeader): boolean {
    const { aborted, aborting } = chunk
    if (aborted !== null) {
      for (let next = aborted[chunk.nextAborted]; next !== undefined; next = aborted[chunk.nextAborted]) {
        if (next.firstOffset > header.lastOffset) break
        aborting.add(next.producerId)
        chunk.nextAborted += 1
      }
      if (header.isControl && isAbortMarker(chunk, header)) aborting.delete(header.producerId)
    }
    return !header.isControl && !(header.isTransactional && aborting.has(header.producerId))
  }

  #endBatch(header: BatchHeader): void {
    this.#reader = null
    this.position = Math.max(this.position, header.lastOffset + 1)
    const chunk = this.#chunks[0]
    if (chunk === undefined) return
    chunk.at += header.sizeInBytes
    this.bytes -= header.sizeInBytes
  }
}

/** A control record's key is a version and a type, both int16. */
function isAbortMarker(chunk: Chunk, header: BatchHeader): boolean {
  if (header.recordCount === 0) return false
  const reader = new RecordReader(chunk.bytes, chunk.at)
  if (!reader.next()) return false
  const key = reader.key()
  return key !== null && key.length >= 4 && key.readInt16BE(2) === abortMarker
}
