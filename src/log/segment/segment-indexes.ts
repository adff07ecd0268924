import { allEnded } from '../../foundation/async/concurrently.ts'
import { readInt64, writeInt64 } from '../../protocol/bytes/int64.ts'
import type { FileSystem } from '../disk/file-system.ts'
import type { LogConfig } from '../log-config.ts'
import { IndexFile } from './index-file.ts'
import { suffixes } from './segment-files.ts'
import { TransactionIndex } from './transaction-index.ts'

const offsetEntrySize = 8
const timeEntrySize = 12

/** The largest timestamp, and an offset at or after the record that has it. */
export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
}

/** An entry of the offset index: where the batch with this last offset begins. */
export interface OffsetPosition {
  readonly lastOffset: number
  readonly position: number
}

/**
 * The sparse indexes of a segment, in Kafka's formats. Offsets are relative to the base offset of the segment.
 *
 *     <base>.index      [last offset of a batch i32, position of the batch i32]
 *     <base>.timeindex  [largest timestamp so far i64, offset i32], timestamps ascending
 *     <base>.txnindex   aborted transactions, see TransactionIndex
 */
export class SegmentIndexes {
  readonly transactions: TransactionIndex
  readonly #offsets: IndexFile
  readonly #times: IndexFile
  readonly #baseOffset: number
  /** The timestamp of the last entry of the time index. */
  #lastTimestamp: number

  /**
   * @param pathOf the path of the segment's file of this kind.
   * @param load whether to read what is on disk; else the indexes are empty.
   */
  constructor(fs: FileSystem, baseOffset: number, pathOf: (kind: string) => string, load: boolean) {
    const make = (kind: string, entrySize: number): IndexFile =>
      load ? IndexFile.load(fs, pathOf(kind), entrySize) : IndexFile.empty(fs, pathOf(kind), entrySize)
    this.#baseOffset = baseOffset
    this.#offsets = make(suffixes.offsetIndex, offsetEntrySize)
    this.#times = make(suffixes.timeIndex, timeEntrySize)
    this.transactions = new TransactionIndex(make(suffixes.transactionIndex, TransactionIndex.entrySize))
    this.#lastTimestamp = this.lastTime()?.timestamp ?? -1
  }

  /** Entries of the offset index. */
  get offsetCount(): number {
    return this.#offsets.count
  }

  /** Entries of the time index. */
  get timeCount(): number {
    return this.#times.count
  }

  /** Whether the offset or the time index has no room for another entry (`segment.index.bytes`). */
  isFull({ segmentIndexBytes }: LogConfig): boolean {
    return (
      this.#offsets.sizeInBytes + offsetEntrySize > segmentIndexBytes ||
      this.#times.sizeInBytes + timeEntrySize > segmentIndexBytes
    )
  }

  addOffset({ lastOffset, position }: OffsetPosition): void {
    const entry = this.#offsets.add()
    entry.writeInt32BE(lastOffset - this.#baseOffset, 0)
    entry.writeInt32BE(position, 4)
  }

  /** Adds an entry to the time index, unless its last entry has that timestamp or a larger one. */
  addTime({ timestamp, offset }: TimestampOffset): void {
    if (timestamp <= this.#lastTimestamp) return
    this.#lastTimestamp = timestamp
    const entry = this.#times.add()
    writeInt64(entry, timestamp, 0)
    entry.writeInt32BE(offset - this.#baseOffset, 8)
  }

  /** The number of the last entry of the offset index at or before `offset`; -1 when there is none. */
  lastEntryAtOrBefore(offset: number): number {
    const relative = offset - this.#baseOffset
    return this.#offsets.lastWhere((entry) => entry.readInt32BE(0) <= relative)
  }

  offsetAt(i: number): OffsetPosition {
    const entry = this.#offsets.entry(i)
    return { lastOffset: this.#baseOffset + entry.readInt32BE(0), position: entry.readInt32BE(4) }
  }

  timeAt(i: number): TimestampOffset {
    const entry = this.#times.entry(i)
    return { timestamp: readInt64(entry, 0), offset: this.#baseOffset + entry.readInt32BE(8) }
  }

  /** The last entry of the time index. */
  lastTime(): TimestampOffset | null {
    return this.#times.count === 0 ? null : this.timeAt(this.#times.count - 1)
  }

  /** The last entry of the time index with a smaller timestamp. */
  lastTimeBefore(timestamp: number): TimestampOffset | null {
    const i = this.#times.lastWhere((entry) => readInt64(entry, 0) < timestamp)
    return i < 0 ? null : this.timeAt(i)
  }

  /** Removes all entries of offsets and times. Aborted transactions stay: see `rebuildProducers`. */
  reset(): void {
    this.#offsets.truncate(0)
    this.#times.truncate(0)
    this.#lastTimestamp = -1
  }

  /** Removes the entries for everything at or after `position`, where the record with `endOffset` begins. */
  truncate(position: number, endOffset: number): void {
    const end = endOffset - this.#baseOffset
    this.#offsets.truncate(this.#offsets.lastWhere((entry) => entry.readInt32BE(4) < position) + 1)
    this.#times.truncate(this.#times.lastWhere((entry) => entry.readInt32BE(8) < end) + 1)
    this.transactions.truncate(endOffset)
    this.#lastTimestamp = this.lastTime()?.timestamp ?? -1
  }

  /** Writes entries to the files when many of them are in memory. */
  relieveMemory(): void {
    if (this.#offsets.isHeavy) this.#offsets.flush()
    if (!this.#times.isHeavy) return
    this.#offsets.materialize()
    this.#times.flush()
  }

  /** Creates all files, also those of empty indexes. */
  materialize(): void {
    for (const index of this.#all()) index.materialize()
  }

  /** Makes the indexes durable. A time index never exists without an offset index: Kafka's DumpLogSegments opens both. */
  async sync(): Promise<void> {
    if (this.#times.count > 0) this.#offsets.materialize()
    await allEnded(this.#all().map((index) => index.sync()))
    for (const index of this.#all()) index.close() // Nothing needs them before the next checkpoint, or an old record.
  }

  hold(): void {
    for (const index of this.#all()) index.hold()
  }

  close(): void {
    for (const index of this.#all()) index.close()
  }

  #all(): readonly IndexFile[] {
    return [this.#offsets, this.#times, this.transactions.index]
  }
}
