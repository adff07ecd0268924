import { allEnded } from '../../foundation/async/concurrently.ts'
import { batchHeaderSize, type BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { readInt64, writeInt64 } from '../../protocol/bytes/int64.ts'
import { BatchScanner, notInSequence } from './batch-scanner.ts'
import type { LogFile } from '../disk/file-system.ts'
import { IndexFile } from './index-file.ts'
import { CorruptLogError } from '../log-error.ts'
import type { LogConfig } from '../log-config.ts'
import { fileName, segmentSuffixes, suffixes, type ScannedEnd, type SegmentPlace } from './segment-files.ts'
import { TransactionIndex } from './transaction-index.ts'

const offsetEntrySize = 8
const timeEntrySize = 12
/** How far an offset may lie behind the base of its segment: indexes hold it in 31 bits. */
export const maxRelativeOffset = 0x7fff_ffff
const defaultIndexIntervalBytes = 4096

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
  readonly #place: SegmentPlace
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
  /** Whether the file may hold bytes beyond `size`: a write was torn. */
  #hasTornBytes = false
  /** Whether the indexes were rebuilt and are not on disk as they are in memory. */
  hasUnsavedIndexes = false

  private constructor(place: SegmentPlace, baseOffset: number, suffix: string, load: boolean) {
    const { fs, nowMs } = place
    this.#place = place
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
  static create(place: SegmentPlace, baseOffset: number, suffix = ''): Segment {
    const segment = new Segment(place, baseOffset, suffix, false)
    segment.#file = place.fs.open(segment.path(suffixes.log), 'create')
    return segment
  }

  /** A segment that is on disk. Its `size` and `endOffset` are not known until it was scanned or its tail looked at. */
  static load(place: SegmentPlace, baseOffset: number): Segment {
    return new Segment(place, baseOffset, '', true)
  }

  /** The path of one of the segment's files. */
  path(kind: string): string {
    return `${this.#place.directory}/${fileName(this.baseOffset, kind)}${this.#suffix}`
  }

  /** Opened when it is first needed, so that old segments nobody reads hold no descriptor. */
  get file(): LogFile {
    this.#wasUsed = true
    this.#file ??= this.#place.fs.open(this.path(suffixes.log), 'existing')
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

  /** Writes a batch at the end. When that throws, the segment is as before; bytes that were written are cut off, at the latest by the next call. */
  append(bytes: Buffer, header: BatchHeader, indexIntervalBytes: number): void {
    this.trim()
    this.#hasTornBytes = true
    try {
      this.file.write(bytes, this.size)
      this.#hasTornBytes = false
    } finally {
      if (this.#hasTornBytes) this.#tryToTrim()
    }
    this.note(header, this.size, indexIntervalBytes)
  }

  /** Cuts off what a failed write left. The segment must not be closed before that succeeded: a start would take it for damage. */
  trim(): void {
    if (!this.#hasTornBytes) return
    this.file.truncate(this.size)
    this.#hasTornBytes = false
  }

  #tryToTrim(): void {
    try {
      this.trim()
    } catch {
      // The write's own error is thrown; the next write or roll cuts, or is refused.
    }
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

  /** An offset at or before the first record whose timestamp is at least `timestamp`, near it. */
  floorOffset(timestamp: number): number {
    const find = (): number => this.timeIndex.lastWhere((entry) => readInt64(entry, 0) < timestamp)
    let i = find()
    if (i >= 0 && !this.#isTrue(this.timeEntry(i))) {
      this.rebuildIndexes()
      i = find()
    }
    return i < 0 ? this.baseOffset : this.timeEntry(i).offset
  }

  /** A scan from a batch at or before the one that holds `offset`, near it. */
  scanNear(offset: number): BatchScanner {
    const found = this.#scanFromEntry(this.#entryFor(offset))
    if (found !== null) return found
    this.rebuildIndexes()
    return this.#scanFromEntry(this.#entryFor(offset)) ?? this.scan()
  }

  /** Whether a batch may stand behind those that were noted, in a segment that ends at `endOffset` at the latest. */
  follows({ baseOffset, lastOffset }: BatchHeader, endOffset: number): boolean {
    const isNear = lastOffset - this.baseOffset <= maxRelativeOffset
    return baseOffset >= this.endOffset && lastOffset >= baseOffset && lastOffset < endOffset && isNear
  }

  /** The first batch that ends at or after `offset`; null when the segment has none. @throws CorruptLogError */
  locate(offset: number): { readonly position: number; readonly header: BatchHeader } | null {
    if (offset >= this.endOffset) return null
    const scanner = this.scanNear(offset)
    let header = scanner.next()
    let expected = offset
    for (; header !== null && header.lastOffset < offset; header = scanner.next()) expected = header.lastOffset + 1
    const { position } = scanner
    const isBeyond = header !== null && header.lastOffset >= this.endOffset
    const isDoubtful = header !== null && header.baseOffset > expected && scanner.isContradicted()
    const fault = isBeyond || isDoubtful ? notInSequence : scanner.fault
    if (header !== null && !isBeyond && !isDoubtful) return { position, header }
    if (fault === null) return null
    throw new CorruptLogError(this.path(suffixes.log), position, fault)
  }

  /** The place of the last entry of the offset index at or before `offset`; -1 when there is none. */
  #entryFor(offset: number): number {
    const relative = offset - this.baseOffset
    return this.offsetIndex.lastWhere((entry) => entry.readInt32BE(0) <= relative)
  }

  /** A scan from the batch that entry `i` points to; null when the entry is not that batch's. */
  #scanFromEntry(i: number): BatchScanner | null {
    if (i < 0) return this.scan()
    const entry = this.offsetIndex.entry(i)
    const lastOffset = this.baseOffset + entry.readInt32BE(0)
    const position = entry.readInt32BE(4)
    if (position < 0 || position >= this.size) return null
    const scanner = this.scan(position)
    return scanner.peek()?.lastOffset === lastOffset ? scanner : null
  }

  /** Whether an entry of the time index says what the batch says that it points to. */
  #isTrue({ timestamp, offset }: TimestampOffset): boolean {
    if (offset < this.baseOffset || offset >= this.endOffset) return false
    const scanner = this.#scanFromEntry(this.#entryFor(offset))
    for (let header = scanner?.next() ?? null; header !== null; header = scanner?.next() ?? null) {
      if (header.lastOffset >= offset) return header.maxTimestamp === timestamp
    }
    return false
  }

  /**
   * Looks at the batches behind the last index entries, for the true end of a segment that is loaded with a `size` and an
   * `endOffset`. @returns null when the indexes are missing or not those of this log.
   */
  scanTail(indexIntervalBytes: number): ScannedEnd | null {
    const lastTime = this.lastTimeEntry()
    if (lastTime === null || (this.offsetIndex.count === 0 && this.size > 2 * indexIntervalBytes)) return null
    const scanner = this.#scanFromEntry(this.offsetIndex.count - 1)
    if (scanner === null || !this.#isTrue(lastTime)) return null
    let endOffset = this.baseOffset
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.maxTimestamp > lastTime.timestamp) return null
      endOffset = header.lastOffset + 1
    }
    this.maxTimestamp = lastTime
    return { validBytes: scanner.position, endOffset, fault: scanner.fault }
  }

  /** Builds the indexes of offsets and times again from the heads of the batches. */
  rebuildIndexes(indexIntervalBytes = defaultIndexIntervalBytes): ScannedEnd {
    const { size, endOffset, maxTimestamp } = this
    this.#place.logger.warn('an index of a segment is missing or damaged; rebuilding it', {
      segment: this.path(suffixes.log),
    })
    this.resetIndexes()
    const scanner = this.scan(0, 'headers', size)
    let isWhole = false
    try {
      let header = scanner.next()
      for (; header !== null && this.follows(header, endOffset); header = scanner.next()) {
        this.note(header, scanner.position, indexIntervalBytes)
      }
      const fault = header === null ? scanner.fault : notInSequence
      isWhole = fault === null
      return { validBytes: scanner.position, endOffset: this.endOffset, fault }
    } finally {
      this.size = size
      this.endOffset = endOffset
      // What could not be scanned may be younger: retention must not take the segment for older than it is.
      if (!isWhole && maxTimestamp.timestamp > this.maxTimestamp.timestamp) this.maxTimestamp = maxTimestamp
      this.noteTime()
      this.hasUnsavedIndexes = true
    }
  }

  scan(from = 0, depth: 'headers' | 'whole' = 'headers', end = this.size): BatchScanner {
    return new BatchScanner(this.file, { from, end, baseOffset: this.baseOffset }, depth)
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

  /** Drops every index entry, before a scan of the whole segment. Aborted transactions stay: see `rebuildProducers`. */
  resetIndexes(): void {
    this.offsetIndex.truncate(0)
    this.timeIndex.truncate(0)
    this.size = 0
    this.endOffset = this.baseOffset
    this.maxTimestamp = { timestamp: -1, offset: this.baseOffset }
    this.#firstTimestamp = null
    this.#indexedTimestamp = -1
    this.#bytesSinceEntry = 0
  }

  /** Cuts the segment in memory: what lies at or after `position`, whose first offset is `endOffset`, is no part of it. */
  cutTo(position: number, endOffset: number): void {
    this.size = position
    this.endOffset = endOffset
    this.truncateIndexes(position, endOffset)
    const scanner = this.#scanFromEntry(this.offsetIndex.count - 1) ?? this.scan()
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.maxTimestamp <= this.maxTimestamp.timestamp) continue
      this.maxTimestamp = { timestamp: header.maxTimestamp, offset: header.lastOffset }
    }
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
    const indexes = [this.offsetIndex, this.timeIndex, this.transactions.index]
    await allEnded(indexes.map((index) => index.sync()))
    for (const index of indexes) index.close() // Nothing needs them before the next checkpoint, or an old record.
    this.hasUnsavedIndexes = false
  }

  /** Opens all files, so that the segment can still be read when another has taken its name. */
  hold(): void {
    this.file.hold()
    for (const index of [this.offsetIndex, this.timeIndex, this.transactions.index]) index.hold()
  }

  /** What an append has to wait for before it may open the log file; null when it need not. */
  room(): Promise<void> | null {
    return this.#file?.isOpen === true ? null : this.#place.fs.room()
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

  /**
   * Closes and removes the files, the log first: indexes without a log are litter, a log without indexes is not. @throws the
   * system's error, and the segment is still there.
   */
  remove(): void {
    const { fs } = this.#place
    this.close()
    if (fs.exists(this.path(suffixes.log))) fs.remove(this.path(suffixes.log))
    for (const kind of segmentSuffixes) {
      try {
        if (fs.exists(this.path(kind))) fs.remove(this.path(kind))
      } catch {
        // The next start removes it.
      }
    }
  }
}
