import {
  batchHeaderSize,
  batchPreludeSize,
  batchSizeAt,
  readBatchHeader,
  batchFault,
  type BatchFault,
  type BatchHeader,
} from '../../protocol/record-batch/record-batch.ts'
import type { LogFile } from '../disk/file-system.ts'

const windowBytes = 64 * 1024
const narrowWindowBytes = 8 * 1024
/** Larger than any request that a broker reads: a larger length is damage. */
const maxBatchBytes = 128 * 1024 * 1024

/** The CRC of a batch does not cover its offsets: they are wrong if a neighbouring batch contradicts them. */
export const notInSequence = 'OFFSETS_NOT_IN_SEQUENCE'

/** The reason why a scan stops. */
export type ScanFault = BatchFault | typeof notInSequence

/** The part of a file to scan. */
export interface ScanRange {
  readonly from: number
  readonly end: number
  readonly baseOffset: number
}

/**
 * Iterates over the batches of a `.log` file with a window of bounded size (I10). `headers` reads only headers; `whole` also reads
 * every batch and checks its CRC.
 */
export class BatchScanner {
  /** The position in the file of the batch of the last `next()`. */
  position: number
  /** Why the scan stopped before the end; null if it did not. */
  fault: ScanFault | null = null
  readonly #file: LogFile
  readonly #end: number
  readonly #whole: boolean
  #window: Buffer
  #windowAt = 0
  #windowLength = 0
  #next: number
  #header: BatchHeader | null = null
  #peeked: BatchHeader | null = null
  /** The offset after the last batch. */
  #expected: number

  /** @param range where to begin, where the file's valid bytes end, and the smallest offset a batch may have. */
  constructor(file: LogFile, range: ScanRange, depth: 'headers' | 'whole') {
    const { from, end } = range
    this.#expected = range.baseOffset
    this.#file = file
    this.#end = end
    this.#whole = depth === 'whole'
    this.#window = Buffer.allocUnsafe(Math.min(this.#whole ? windowBytes : narrowWindowBytes, Math.max(end - from, 0)))
    this.#next = from
    this.position = from
  }

  /** Moves to the next batch. Returns its header, or null at the end or at a fault. @throws the system's error when a read fails. */
  next(): BatchHeader | null {
    const header = this.#peeked ?? this.#read()
    this.#peeked = null
    this.#header = header
    if (header !== null) this.#next = this.position + header.sizeInBytes
    return header
  }

  /** Returns the header that `next()` will return. `position` is then that of its batch. */
  peek(): BatchHeader | null {
    this.#peeked ??= this.#read()
    return this.#peeked
  }

  /** Returns whether the next batch proves that the offsets of the current one are wrong. */
  isContradicted(): boolean {
    return this.peek() === null && this.fault === notInSequence
  }

  /** The bytes of the current batch, valid until the next call. For `whole` scans only. */
  bytes(): Buffer {
    const at = this.position - this.#windowAt
    return this.#window.subarray(at, at + (this.#header?.sizeInBytes ?? 0))
  }

  #read(): BatchHeader | null {
    this.position = this.#next
    const left = this.#end - this.position
    if (left === 0 || this.fault !== null) return null
    this.fault = this.#look(left)
    if (this.fault !== null) return null
    const header = readBatchHeader(this.#window, this.position - this.#windowAt)
    const isInSequence = header.baseOffset >= this.#expected && header.lastOffset >= header.baseOffset
    if (!isInSequence) this.fault = notInSequence
    this.#expected = header.lastOffset + 1
    return isInSequence ? header : null
  }

  #look(left: number): BatchFault | null {
    if (left < batchHeaderSize || !this.#fill(batchHeaderSize)) return 'TRUNCATED'
    const at = this.position - this.#windowAt
    const size = batchSizeAt(this.#window, at)
    if (size < batchHeaderSize || size > maxBatchBytes) return 'BAD_LENGTH'
    if (this.#window.readInt8(at + 16) !== 2) return 'BAD_MAGIC'
    if (size > left) return 'TRUNCATED'
    if (!this.#whole) return (this.#window.readInt16BE(at + batchPreludeSize + 9) & 7) > 4 ? 'BAD_CODEC' : null
    if (!this.#fill(size)) return 'TRUNCATED'
    const start = this.position - this.#windowAt
    return batchFault(this.#window.subarray(start, start + size))
  }

  /** Reads `bytes` bytes at `position` into the window. Returns false when the file is shorter. */
  #fill(bytes: number): boolean {
    if (this.position >= this.#windowAt && this.position + bytes <= this.#windowAt + this.#windowLength) return true
    if (bytes > this.#window.length) this.#window = Buffer.allocUnsafe(bytes)
    this.#windowAt = this.position
    const wanted = Math.min(this.#window.length, this.#end - this.position)
    this.#windowLength = this.#file.read(this.#window, 0, wanted, this.position)
    return this.#windowLength >= bytes
  }
}
