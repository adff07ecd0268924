import { batchHeaderSize, type BatchHeader } from '../protocol/record-batch.ts'
import { readInt64, writeInt64 } from '../protocol/int64.ts'
import { BatchScanner } from './batch-scanner.ts'
import type { FileSystem, LogFile } from './file-system.ts'
import { IndexFile } from './index-file.ts'
import { CorruptLogError } from './log-error.ts'
import type { LogConfig } from './log-config.ts'
import { fileName, segmentSuffixes, suffixes } from './segment-files.ts'
import { TransactionIndex } from './transaction-index.ts'

const offsetEntrySize = 8
const timeEntrySize = 12
const maxRelativeOffset = 0x7fff_ffff

/** The largest timestamp, and an offset at or after the record that has it. */
export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
}

/**
 * A run of a partition's batches in one file, with sparse indexes beside it.
 *
 *     <base>.log        batches, one after the other
 *     <base>.index      [last offset of a batch - base i32, position of the batch i32], every `indexIntervalBytes`
 *     <base>.timeindex  [largest timestamp so far i64, offset - base i32], timestamps rising
 *     <base>.txnindex   aborted transactions, see TransactionIndex
 *
 * Both indexes may lag behind the log and are built again from it; the log is the truth. A time index never stands
 * without an offset index, if an empty one: Kafka's DumpLogSegments opens both.
 */
export class Segment {
  readonly baseOffset: number
  /** What `.log` files end in while a compaction writes them, else empty. */
  readonly #suffix: string
  readonly #fs: FileSystem
  readonly #directory: string
  readonly offsetIndex: IndexFile
  readonly timeIndex: IndexFile
  readonly transactions: TransactionIndex
  readonly createdAtMs: number
  #file: LogFile | null = null
  #wasUsed = false
  /** Bytes of valid batches. */
  size = 0
  /** The offset after the last record that was ever in this segment. */
  endOffset: number
  maxTimestamp: TimestampOffset
  #firstTimestamp: number | null = null
  /** The timestamp of the last entry of the time index. */
  #indexedTimestamp: number
  #bytesSinceEntry = 0

  private constructor(
    fs: FileSystem,
    directory: string,
    baseOffset: number,
    nowMs: number,
    suffix: string,
    load: boolean,
  ) {
    this.#fs = fs
    this.#directory = directory
    this.#suffix = suffix
    this.baseOffset = baseOffset
    this.endOffset = baseOffset
    this.createdAtMs = nowMs
    this.maxTimestamp = { timestamp: -1, offset: baseOffset }
    const make = (kind: string, entrySize: number): IndexFile =>
      load ? IndexFile.load(fs, this.path(kind), entrySize) : IndexFile.empty(fs, this.path(kind), entrySize)
    this.offsetIndex = make(suffixes.offsetIndex, offsetEntrySize)
    this.timeIndex = make(suffixes.timeIndex, timeEntrySize)
    this.transactions = new TransactionIndex(make(suffixes.transactionIndex, TransactionIndex.entrySize))
    this.#indexedTimestamp = this.lastTimeEntry()?.timestamp ?? -1
  }

  /** A segment without records. Its files exist on return; their names are not durable. */
  static create(fs: FileSystem, directory: string, baseOffset: number, nowMs: number, suffix = ''): Segment {
    const segment = new Segment(fs, directory, baseOffset, nowMs, suffix, false)
    segment.#file = fs.open(segment.path(suffixes.log), 'create')
    return segment
  }

  /** A segment that is on disk. Its `size` and `endOffset` are not known until it was scanned or its tail looked at. */
  static load(fs: FileSystem, directory: string, baseOffset: number, nowMs: number): Segment {
    return new Segment(fs, directory, baseOffset, nowMs, '', true)
  }

  /** The path of one of the segment's files. */
  path(kind: string): string {
    return `${this.#directory}/${fileName(this.baseOffset, kind)}${this.#suffix}`
  }

  /** Opened when it is first needed, so that old segments nobody reads hold no descriptor. */
  get file(): LogFile {
    this.#wasUsed = true
    this.#file ??= this.#fs.open(this.path(suffixes.log), 'existing')
    return this.#file
  }

  /** Whether a batch that ends at `lastOffset` needs a segment of its own, by Kafka's rules. */
  mustRollFor(size: number, maxTimestamp: number, lastOffset: number, config: LogConfig, nowMs: number): boolean {
    if (this.size === 0) return lastOffset - this.baseOffset > maxRelativeOffset
    if (this.size > config.segmentBytes - size) return true
    const age = maxTimestamp >= 0 ? maxTimestamp - this.firstTimestamp() : nowMs - this.createdAtMs
    if (age > config.segmentMs) return true
    const indexIsFull =
      this.offsetIndex.sizeInBytes + offsetEntrySize > config.segmentIndexBytes ||
      this.timeIndex.sizeInBytes + timeEntrySize > config.segmentIndexBytes
    return indexIsFull || lastOffset - this.baseOffset > maxRelativeOffset
  }

  /** Writes a batch at the end. When that throws, the segment is as before, but for bytes beyond `size` that were written. */
  append(bytes: Buffer, header: BatchHeader, indexIntervalBytes: number): void {
    this.file.write(bytes, this.size)
    this.note(header, this.size, indexIntervalBytes)
  }

  /** Takes a batch that lies at `position`, the end so far, into the indexes and the totals. */
  note(header: BatchHeader, position: number, indexIntervalBytes: number): void {
    if (position === 0) this.#firstTimestamp = header.maxTimestamp
    if (header.maxTimestamp > this.maxTimestamp.timestamp) {
      this.maxTimestamp = { timestamp: header.maxTimestamp, offset: header.lastOffset }
    }
    if (this.#bytesSinceEntry > indexIntervalBytes) {
      const entry = this.offsetIndex.add()
      entry.writeInt32BE(header.lastOffset - this.baseOffset, 0)
      entry.writeInt32BE(position, 4)
      this.noteTime()
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += header.sizeInBytes
    this.size = position + header.sizeInBytes
    this.endOffset = header.lastOffset + 1
  }

  /** Writes the largest timestamp into the time index, unless it stands there. */
  noteTime(): void {
    if (this.maxTimestamp.timestamp <= this.#indexedTimestamp) return
    this.#indexedTimestamp = this.maxTimestamp.timestamp
    const entry = this.timeIndex.add()
    writeInt64(entry, this.maxTimestamp.timestamp, 0)
    entry.writeInt32BE(this.maxTimestamp.offset - this.baseOffset, 8)
  }

  lastTimeEntry(): TimestampOffset | null {
    return this.timeIndex.count === 0 ? null : this.timeEntry(this.timeIndex.count - 1)
  }

  timeEntry(i: number): TimestampOffset {
    const entry = this.timeIndex.entry(i)
    return { timestamp: readInt64(entry, 0), offset: this.baseOffset + entry.readInt32BE(8) }
  }

  /** The timestamp of an entry of the time index. */
  timestampOf(entry: Buffer): number {
    return readInt64(entry, 0)
  }

  /** A position at or before the batch that holds `offset`, near it. */
  floorPosition(offset: number): number {
    const relative = offset - this.baseOffset
    const i = this.offsetIndex.lastWhere((entry) => entry.readInt32BE(0) <= relative)
    return i < 0 ? 0 : this.offsetIndex.entry(i).readInt32BE(4)
  }

  /** The position of the first batch that ends at or after `offset`; null when the segment has none. */
  locate(offset: number): { readonly position: number; readonly header: BatchHeader } | null {
    if (offset >= this.endOffset) return null
    const scanner = this.scan(this.floorPosition(offset))
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.lastOffset >= offset) return { position: scanner.position, header }
    }
    if (scanner.fault !== null) throw new CorruptLogError(this.path(suffixes.log), scanner.position, scanner.fault)
    return null
  }

  scan(from = 0, depth: 'headers' | 'whole' = 'headers'): BatchScanner {
    return new BatchScanner(this.file, from, this.size, depth)
  }

  /** The largest timestamp of the first batch; what `segment.ms` counts from. */
  firstTimestamp(): number {
    this.#firstTimestamp ??= this.size < batchHeaderSize ? -1 : (this.scan().next()?.maxTimestamp ?? -1)
    return this.#firstTimestamp
  }

  /** Moves index entries to their files when many wait in memory. */
  relieveMemory(): void {
    if (this.offsetIndex.isHeavy) this.offsetIndex.flush()
    if (!this.timeIndex.isHeavy) return
    this.offsetIndex.materialize()
    this.timeIndex.flush()
  }

  /** Drops every index entry and starts to count anew: before a scan of the whole segment. */
  resetIndexes(): void {
    this.offsetIndex.truncate(0)
    this.timeIndex.truncate(0)
    this.transactions.index.truncate(0)
    this.size = 0
    this.endOffset = this.baseOffset
    this.maxTimestamp = { timestamp: -1, offset: this.baseOffset }
    this.#firstTimestamp = null
    this.#indexedTimestamp = -1
    this.#bytesSinceEntry = 0
  }

  /** Drops index entries for what lies at or after `position`, whose first offset is `endOffset`. */
  truncateIndexes(position: number, endOffset: number): void {
    const end = endOffset - this.baseOffset
    this.offsetIndex.truncate(this.offsetIndex.lastWhere((entry) => entry.readInt32BE(4) < position) + 1)
    this.timeIndex.truncate(this.timeIndex.lastWhere((entry) => entry.readInt32BE(8) < end) + 1)
    this.transactions.truncate(endOffset)
    const last = this.lastTimeEntry()
    this.maxTimestamp = last ?? { timestamp: -1, offset: this.baseOffset }
    this.#indexedTimestamp = last?.timestamp ?? -1
    this.#bytesSinceEntry = 0
  }

  /** Makes the indexes complete and durable; they then need no scan when the segment is loaded. */
  async syncIndexes(): Promise<void> {
    this.noteTime()
    if (this.timeIndex.count > 0) this.offsetIndex.materialize()
    await this.offsetIndex.sync()
    await this.timeIndex.sync()
    await this.transactions.index.sync()
  }

  /** Opens all files, so that the segment can still be read when another has taken its name. */
  hold(): void {
    void this.file
    for (const index of [this.offsetIndex, this.timeIndex, this.transactions.index]) index.hold()
  }

  /** Closes the files unless they were used since the last call. */
  rest(): void {
    if (!this.#wasUsed) this.close()
    this.#wasUsed = false
  }

  close(): void {
    this.#file?.close()
    this.#file = null
    for (const index of [this.offsetIndex, this.timeIndex, this.transactions.index]) index.close()
  }

  /** Closes and removes the files, the log first: indexes without a log are litter, a log without indexes is not. */
  remove(): void {
    this.close()
    for (const kind of segmentSuffixes) {
      const path = this.path(kind)
      if (this.#fs.exists(path)) this.#fs.remove(path)
    }
  }
}
