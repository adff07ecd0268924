import { batchHeaderSize, type BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { BatchScanner, notInSequence } from './batch-scanner.ts'
import type { LogFile } from '../disk/file-system.ts'
import { CorruptLogError } from '../log-error.ts'
import type { LogConfig } from '../log-config.ts'
import { fileName, segmentSuffixes, suffixes, type ScannedEnd, type SegmentPlace } from './segment-files.ts'
import { SegmentIndexes, type TimestampOffset } from './segment-indexes.ts'
import type { TransactionIndex } from './transaction-index.ts'

/** The largest distance of an offset from the base offset of its segment: the indexes hold it in 31 bits. */
export const maxRelativeOffset = 0x7fff_ffff
const defaultIndexIntervalBytes = 4096

/**
 * Consecutive batches of a partition in one `.log` file, with sparse indexes in other files ({@link SegmentIndexes}). The
 * indexes may lag behind the `.log` file, which is the truth: they are rebuilt from it.
 */
export class Segment {
  readonly baseOffset: number
  /** The suffix of the `.log` file while a compaction writes it, else empty. */
  readonly #suffix: string
  readonly #place: SegmentPlace
  readonly indexes: SegmentIndexes
  readonly createdAtMs: number
  #file: LogFile | null = null
  #wasUsed = false
  /** Bytes of valid batches. */
  size = 0
  /** The offset after the last record that this segment ever had. */
  endOffset: number
  maxTimestamp: TimestampOffset
  #firstTimestamp: number | null = null
  #bytesSinceEntry = 0
  /** Whether the file may have bytes beyond `size`, because a write failed half-way. */
  #hasTornBytes = false
  /** Whether the indexes were rebuilt in memory and not yet written. */
  hasUnsavedIndexes = false

  private constructor(place: SegmentPlace, baseOffset: number, suffix: string, load: boolean) {
    const { fs, nowMs } = place
    this.#place = place
    this.#suffix = suffix
    this.baseOffset = baseOffset
    this.endOffset = baseOffset
    this.createdAtMs = nowMs
    this.maxTimestamp = { timestamp: -1, offset: baseOffset }
    this.indexes = new SegmentIndexes(fs, baseOffset, (kind) => this.path(kind), load)
  }

  /** Creates a segment without records. Its `.log` file exists on return; the file's name is not yet durable. */
  static create(place: SegmentPlace, baseOffset: number, suffix = ''): Segment {
    const segment = new Segment(place, baseOffset, suffix, false)
    segment.#file = place.fs.open(segment.path(suffixes.log), 'create')
    return segment
  }

  /** Loads a segment from disk. The caller sets `size` and `endOffset`, from a checkpoint or a scan. */
  static load(place: SegmentPlace, baseOffset: number): Segment {
    return new Segment(place, baseOffset, '', true)
  }

  /** The aborted transactions whose markers are in this segment. */
  get transactions(): TransactionIndex {
    return this.indexes.transactions
  }

  /** The path of one of the segment's files. */
  path(kind: string): string {
    return `${this.#place.directory}/${fileName(this.baseOffset, kind)}${this.#suffix}`
  }

  /** The `.log` file. It is opened when it is first used, so that old segments that are not read need no descriptor. */
  get file(): LogFile {
    this.#wasUsed = true
    this.#file ??= this.#place.fs.open(this.path(suffixes.log), 'existing')
    return this.#file
  }

  /** Returns whether the next batch needs a new segment, by Kafka's rules (`LogSegment.shouldRoll`). Its offsets are assigned. */
  mustRollFor({ sizeInBytes, maxTimestamp, lastOffset }: BatchHeader, config: LogConfig, nowMs: number): boolean {
    const isTooFar = lastOffset - this.baseOffset > maxRelativeOffset
    if (this.size === 0) return isTooFar
    if (this.size > config.segmentBytes - sizeInBytes) return true
    const age = maxTimestamp >= 0 ? maxTimestamp - this.firstTimestamp() : nowMs - this.createdAtMs
    return age > config.segmentMs || this.indexes.isFull(config) || isTooFar
  }

  /** Writes a batch at the end. If that throws, the segment is unchanged: bytes already written are cut off now or by the next call. */
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

  /** Cuts off the bytes of a failed write. Must succeed before the segment is closed: recovery would take them for damage. */
  trim(): void {
    if (!this.#hasTornBytes) return
    this.file.truncate(this.size)
    this.#hasTornBytes = false
  }

  #tryToTrim(): void {
    try {
      this.trim()
    } catch {
      // The error of the write is thrown. The next write or roll cuts again, or fails.
    }
  }

  /** Adds a batch that was written at `position`, the end of the segment so far, to the indexes and totals. */
  note(header: BatchHeader, position: number, indexIntervalBytes: number): void {
    if (position === 0) this.#firstTimestamp = header.maxTimestamp
    if (header.maxTimestamp > this.maxTimestamp.timestamp) {
      this.maxTimestamp = { timestamp: header.maxTimestamp, offset: header.lastOffset }
    }
    if (this.#bytesSinceEntry > indexIntervalBytes) {
      this.indexes.addOffset({ lastOffset: header.lastOffset, position })
      this.indexes.addTime(this.maxTimestamp)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += header.sizeInBytes
    this.size = position + header.sizeInBytes
    this.endOffset = header.lastOffset + 1
  }

  /** Returns an offset at or shortly before the first record whose timestamp is at least `timestamp`. */
  floorOffset(timestamp: number): number {
    let entry = this.indexes.lastTimeBefore(timestamp)
    if (entry !== null && !this.#isTrue(entry)) {
      this.rebuildIndexes()
      entry = this.indexes.lastTimeBefore(timestamp)
    }
    return entry?.offset ?? this.baseOffset
  }

  /** Returns a scan that begins at or shortly before the batch with `offset`. */
  scanNear(offset: number): BatchScanner {
    const found = this.#scanFromEntry(this.indexes.lastEntryAtOrBefore(offset))
    if (found !== null) return found
    this.rebuildIndexes()
    return this.#scanFromEntry(this.indexes.lastEntryAtOrBefore(offset)) ?? this.scan()
  }

  /** Returns whether a batch may follow the batches so far, in a segment that ends at `endOffset` at the latest. */
  follows({ baseOffset, lastOffset }: BatchHeader, endOffset: number): boolean {
    const isNear = lastOffset - this.baseOffset <= maxRelativeOffset
    return baseOffset >= this.endOffset && lastOffset >= baseOffset && lastOffset < endOffset && isNear
  }

  /** Returns the first batch that ends at or after `offset`; null when the segment has none. @throws CorruptLogError */
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

  /** Returns a scan from the batch of entry `i` of the offset index; null when the entry and the batch disagree. */
  #scanFromEntry(i: number): BatchScanner | null {
    if (i < 0) return this.scan()
    const { lastOffset, position } = this.indexes.offsetAt(i)
    if (position < 0 || position >= this.size) return null
    const scanner = this.scan(position)
    return scanner.peek()?.lastOffset === lastOffset ? scanner : null
  }

  /** Returns whether an entry of the time index agrees with the batch that it points to. */
  #isTrue({ timestamp, offset }: TimestampOffset): boolean {
    if (offset < this.baseOffset || offset >= this.endOffset) return false
    const scanner = this.#scanFromEntry(this.indexes.lastEntryAtOrBefore(offset))
    for (let header = scanner?.next() ?? null; header !== null; header = scanner?.next() ?? null) {
      if (header.lastOffset >= offset) return header.maxTimestamp === timestamp
    }
    return false
  }

  /**
   * Reads the batches after the last index entries, to find the end of a loaded segment.
   * @returns null when the indexes are missing, or are not those of this `.log` file.
   */
  scanTail(indexIntervalBytes: number): ScannedEnd | null {
    const lastTime = this.indexes.lastTime()
    if (lastTime === null || (this.indexes.offsetCount === 0 && this.size > 2 * indexIntervalBytes)) return null
    const scanner = this.#scanFromEntry(this.indexes.offsetCount - 1)
    if (scanner === null || !this.#isTrue(lastTime)) return null
    let endOffset = this.baseOffset
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.maxTimestamp > lastTime.timestamp) return null
      endOffset = header.lastOffset + 1
    }
    this.maxTimestamp = lastTime
    return { validBytes: scanner.position, endOffset, fault: scanner.fault }
  }

  /** Rebuilds the indexes of offsets and times from the batch headers. */
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
      // The part that could not be scanned may have later records: retention must not delete the segment too early.
      if (!isWhole && maxTimestamp.timestamp > this.maxTimestamp.timestamp) this.maxTimestamp = maxTimestamp
      this.indexes.addTime(this.maxTimestamp)
      this.hasUnsavedIndexes = true
    }
  }

  scan(from = 0, depth: 'headers' | 'whole' = 'headers', end = this.size): BatchScanner {
    return new BatchScanner(this.file, { from, end, baseOffset: this.baseOffset }, depth)
  }

  /** The largest timestamp of the first batch, from which `segment.ms` counts. */
  firstTimestamp(): number {
    this.#firstTimestamp ??= this.size < batchHeaderSize ? -1 : (this.scan().next()?.maxTimestamp ?? -1)
    return this.#firstTimestamp
  }

  /** Forgets all batches, before the whole segment is scanned. Aborted transactions stay: see `rebuildProducers`. */
  resetIndexes(): void {
    this.indexes.reset()
    this.size = 0
    this.endOffset = this.baseOffset
    this.maxTimestamp = { timestamp: -1, offset: this.baseOffset }
    this.#firstTimestamp = null
    this.#bytesSinceEntry = 0
  }

  /** Cuts the segment in memory at `position`, where the record with `endOffset` begins. */
  cutTo(position: number, endOffset: number): void {
    this.size = position
    this.endOffset = endOffset
    this.truncateIndexes(position, endOffset)
    const scanner = this.#scanFromEntry(this.indexes.offsetCount - 1) ?? this.scan()
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.maxTimestamp <= this.maxTimestamp.timestamp) continue
      this.maxTimestamp = { timestamp: header.maxTimestamp, offset: header.lastOffset }
    }
  }

  /** Removes the index entries for everything at or after `position`, where the record with `endOffset` begins. */
  truncateIndexes(position: number, endOffset: number): void {
    this.indexes.truncate(position, endOffset)
    this.maxTimestamp = this.indexes.lastTime() ?? { timestamp: -1, offset: this.baseOffset }
    this.#bytesSinceEntry = 0
  }

  /** Makes the indexes complete and durable. When the segment is loaded, they then need no scan. */
  async syncIndexes(): Promise<void> {
    this.indexes.addTime(this.maxTimestamp)
    await this.indexes.sync()
    this.hasUnsavedIndexes = false
  }

  /** Opens all files, so that the segment can still be read after another one has replaced it on disk. */
  hold(): void {
    this.file.hold()
    this.indexes.hold()
  }

  /** Returns what an append has to wait for before it may open the `.log` file; null when it need not wait. */
  room(): Promise<void> | null {
    return this.#file?.isOpen === true ? null : this.#place.fs.room()
  }

  /** Closes the files, unless they were used since the last call. */
  rest(): void {
    if (!this.#wasUsed) this.close()
    this.#wasUsed = false
  }

  close(): void {
    this.#file?.close()
    this.#file = null
    this.indexes.close()
  }

  /**
   * Closes and removes the files. The `.log` file is the first, because index files alone are removed at the next start.
   * @throws the system's error; the segment then still exists.
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
