import {
  batchHeaderSize,
  batchPreludeSize,
  batchSizeAt,
  readBatchHeader,
  verifyBatch,
  type BatchFault,
  type BatchHeader,
} from '../protocol/record-batch.ts'
import type { LogFile } from './file-system.ts'

const windowBytes = 64 * 1024
const narrowWindowBytes = 8 * 1024
/** Larger than any request a broker reads: a length beyond it is damage, not a batch to make room for. */
const maxBatchBytes = 128 * 1024 * 1024

/**
 * Walks over the batches of a log file through a window of bounded size. `headers` looks at heads only, `whole` also makes every
 * batch lie in the window and checks its CRC.
 */
export class BatchScanner {
  /** Where the batch of the last `next()` begins in the file. */
  position: number
  /** Why the scan stopped before the end; null when it reached it. */
  fault: BatchFault | null = null
  readonly #file: LogFile
  readonly #end: number
  readonly #whole: boolean
  #window: Buffer
  #windowAt = 0
  #windowLength = 0
  #next: number
  #header: BatchHeader | null = null

  /** @param end where the file's valid bytes end. */
  constructor(file: LogFile, from: number, end: number, depth: 'headers' | 'whole') {
    this.#file = file
    this.#end = end
    this.#whole = depth === 'whole'
    this.#window = Buffer.allocUnsafe(Math.min(this.#whole ? windowBytes : narrowWindowBytes, Math.max(end - from, 0)))
    this.#next = from
    this.position = from
  }

  /** Goes to the next batch: its header, or null at the end or at a fault. @throws the system's error when a read fails. */
  next(): BatchHeader | null {
    this.#header = null
    this.position = this.#next
    const left = this.#end - this.position
    if (left === 0 || this.fault !== null) return null
    this.fault = this.#look(left)
    if (this.fault !== null) return null
    this.#header = readBatchHeader(this.#window, this.position - this.#windowAt)
    this.#next = this.position + this.#header.sizeInBytes
    return this.#header
  }

  /** The bytes of the batch that `next()` went to; only of a `whole` scan, and valid until the next call. */
  bytes(): Buffer {
    const at = this.position - this.#windowAt
    return this.#window.subarray(at, at + (this.#header?.sizeInBytes ?? 0))
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
    return verifyBatch(this.#window.subarray(start, start + size))
  }

  /** Makes `bytes` bytes from `position` on lie in the window; false when the file is shorter. */
  #fill(bytes: number): boolean {
    if (this.position >= this.#windowAt && this.position + bytes <= this.#windowAt + this.#windowLength) return true
    if (bytes > this.#window.length) this.#window = Buffer.allocUnsafe(bytes)
    this.#windowAt = this.position
    const wanted = Math.min(this.#window.length, this.#end - this.position)
    this.#windowLength = this.#file.read(this.#window, 0, wanted, this.position)
    return this.#windowLength >= bytes
  }
}
