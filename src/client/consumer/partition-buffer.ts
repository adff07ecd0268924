import { batchHeaderSize, batchSizeAt, type BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { readInt64 } from '../../protocol/bytes/int64.ts'
import { endMarkerTypes, readControlRecord } from '../../protocol/record-batch/control-record.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import { VerifiedBatch } from '../../protocol/record-batch/verified-batch.ts'
import { CorruptBatchError } from '../errors.ts'
import type { FetchedRecord } from './fetched-record.ts'

/** An aborted transaction: its records are those of the producer from `firstOffset` to the next abort marker. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

interface Chunk {
  readonly bytes: Buffer
  /** In order of first offset; null for read_uncommitted. */
  readonly aborted: readonly AbortedTransaction[] | null
  /** Producers with an aborted transaction at `at`. */
  readonly aborting: Set<number>
  nextAborted: number
  at: number
}

/**
 * The fetched batches of one partition. Records are decoded when they are read. `position` skips everything that is not
 * delivered: control batches, aborted records, offsets that compaction removed.
 */
export class PartitionBuffer {
  readonly topic: string
  readonly partition: number
  /** The offset of the next record to return. */
  position: number
  /** The offset of the next fetch, after the buffered batches. */
  fetchOffset: number
  /** Buffered bytes. */
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

  /** Drops the buffer and continues at `position`. */
  reset(position: number): void {
    this.#chunks = []
    this.#reader = null
    this.bytes = 0
    this.position = position
    this.fetchOffset = position
  }

  /** Adds the records of a response to a fetch at `fetchOffset`. Ignores an incomplete batch at the end. */
  push(bytes: Buffer, aborted: readonly AbortedTransaction[] | null): void {
    let end = 0
    for (let size = batchSizeAt(bytes, 0); size >= batchHeaderSize && end + size <= bytes.length;) {
      // The next fetch starts after the last complete batch. Checksums are verified when batches are read.
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
   * @throws CorruptBatchError if a batch fails its checksum or cannot be decoded. The position stays before it.
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

  /** Returns the next batch with records to deliver, skipping others; null if the buffer is empty. */
  #nextBatch(): RecordReader | null {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      while (chunk.at < chunk.bytes.length) {
        const batch = this.#verified(chunk)
        if (batch.header.lastOffset >= this.position && this.#counts(chunk, batch)) {
          this.#reader = this.#open(batch)
          return this.#reader
        }
        this.#endBatch(batch.header)
      }
      this.#chunks.shift()
    }
    return null
  }

  #verified({ bytes, at }: Chunk): VerifiedBatch {
    const batch = VerifiedBatch.verify(bytes, at)
    if (batch instanceof VerifiedBatch) return batch
    throw new CorruptBatchError(this.topic, this.partition, readInt64(bytes, at), batch)
  }

  #open(batch: VerifiedBatch): RecordReader {
    try {
      return new RecordReader(batch)
    } catch (error) {
      throw new CorruptBatchError(this.topic, this.partition, batch.header.baseOffset, error)
    }
  }

  /** Returns whether the records of a batch are delivered. Keeps track of aborted transactions. */
  #counts(chunk: Chunk, batch: VerifiedBatch): boolean {
    const { header } = batch
    const { aborted, aborting } = chunk
    if (aborted !== null) {
      for (let next = aborted[chunk.nextAborted]; next !== undefined; next = aborted[chunk.nextAborted]) {
        if (next.firstOffset > header.lastOffset) break
        aborting.add(next.producerId)
        chunk.nextAborted += 1
      }
      if (header.isControl && this.#isAbortMarker(batch)) aborting.delete(header.producerId)
    }
    return !header.isControl && !(header.isTransactional && aborting.has(header.producerId))
  }

  #isAbortMarker(batch: VerifiedBatch): boolean {
    // A batch whose marker compaction removed.
    if (batch.header.recordCount === 0) return false
    const reader = this.#open(batch)
    try {
      return readControlRecord(reader)?.type === endMarkerTypes.abort
    } catch (error) {
      throw new CorruptBatchError(this.topic, this.partition, batch.header.baseOffset, error)
    }
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
