import {
  assignOffsets,
  batchFault,
  batchSizeAt,
  readBatchHeader,
  stampLogAppendTime,
  stampMaxTimestamp,
  type BatchFault,
  type BatchHeader,
} from './record-batch.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/**
 * One whole record batch whose length, magic, CRC, codec and record count were checked, with its decoded header. Its records were
 * not decoded. {@link verify} is the only way to create one, so a function that takes a VerifiedBatch cannot be given unchecked
 * bytes. The bytes are not copied: only the methods of this class may change them, which keep the header equal to them.
 */
export class VerifiedBatch {
  readonly bytes: Buffer
  #header: Mutable<BatchHeader>

  private constructor(bytes: Buffer, header: BatchHeader) {
    this.bytes = bytes
    this.#header = header
  }

  /**
   * Checks the batch at `position` in one pass over its bytes (the CRC). Bytes after the batch are ignored.
   * @returns the batch, or the first fault if it is incomplete or not intact.
   */
  static verify(buffer: Buffer, position = 0): VerifiedBatch | BatchFault {
    const fault = batchFault(buffer, position)
    if (fault !== null) return fault
    const end = position + batchSizeAt(buffer, position)
    const isWholeBuffer = position === 0 && end === buffer.length
    const bytes = isWholeBuffer ? buffer : buffer.subarray(position, end)
    return new VerifiedBatch(bytes, readBatchHeader(bytes))
  }

  get header(): BatchHeader {
    return this.#header
  }

  /** Writes the fields that the broker sets, in place. The CRC does not cover them. */
  assignOffsets(baseOffset: number, leaderEpoch: number): void {
    assignOffsets(this.bytes, 0, baseOffset, leaderEpoch)
    // In place: a copy with other values would have another hidden class than a decoded header, and slow down the code that reads
    // both.
    const header = this.#header
    header.baseOffset = baseOffset
    header.lastOffset = baseOffset + header.lastOffsetDelta
    header.partitionLeaderEpoch = leaderEpoch
  }

  /** @see stampLogAppendTime */
  stampLogAppendTime(timestampMs: number): void {
    stampLogAppendTime(this.bytes, 0, timestampMs)
    this.#header = readBatchHeader(this.bytes)
  }

  /** @see stampMaxTimestamp */
  stampMaxTimestamp(timestampMs: number): void {
    stampMaxTimestamp(this.bytes, 0, timestampMs)
    this.#header = readBatchHeader(this.bytes)
  }
}
