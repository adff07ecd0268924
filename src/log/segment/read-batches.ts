import { batchHeaderSize, batchSizeAt } from '../../protocol/record-batch/record-batch.ts'
import { readInt64 } from '../../protocol/bytes/int64.ts'
import { CorruptLogError } from '../log-error.ts'
import type { Segment } from './segment.ts'
import { suffixes } from './segment-files.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** The part of a log to read. */
export interface ReadRange {
  /** The batch that holds this offset is the first one. */
  readonly offset: number
  /** Batches from this offset on are not visible. */
  readonly endOffset: number
  readonly maxBytes: number
  /** Whether the first batch is returned although it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
}

/** Whole batches as they are on disk, and the offset after the last of them. */
export interface BatchesRead {
  readonly batches: Buffer
  readonly nextOffset: number
}

const nothing = Buffer.alloc(0)

/** Reads batches into one buffer, across segments. The bytes are copied once, from the page cache. */
export function readBatches(segments: readonly Segment[], range: ReadRange): BatchesRead {
  let at = Math.max(floorSegment(segments, range.offset), 0)
  let found = segments[at]?.locate(range.offset) ?? null
  while (found === null && at + 1 < segments.length) {
    at += 1
    found = segments[at]?.locate(range.offset) ?? null
  }
  if (found === null || found.header.baseOffset >= range.endOffset)
    return { batches: nothing, nextOffset: range.offset }
  const first = found.header.sizeInBytes
  if (first > range.maxBytes && !range.minOneBatch) return { batches: nothing, nextOffset: range.offset }
  const target = Buffer.allocUnsafeSlow(
    Math.min(Math.max(range.maxBytes, first), bytesFrom(segments, at, found.position)),
  )
  let length = 0
  let nextOffset = range.offset
  for (let position = found.position; at < segments.length && length < target.length; at += 1, position = 0) {
    const segment = segments[at] as Segment
    const wanted = Math.min(target.length - length, segment.size - position)
    const read = segment.file.read(target, length, wanted, position)
    const end = wholeBatchesEnd(target.subarray(0, length + read), length, {
      from: length === 0 ? found.header.baseOffset : segment.baseOffset,
      endOffset: Math.min(range.endOffset, segment.endOffset),
    })
    if (end.position > length) nextOffset = end.nextOffset
    else if (read >= batchHeaderSize && length === 0)
      throw new CorruptLogError(segment.path(suffixes.log), position, 'no batch')
    const isComplete = end.position === length + read && position + read === segment.size
    length = end.position
    if (!isComplete) break
  }
  return { batches: target.subarray(0, length), nextOffset }
}

/** Returns the index of the last segment whose base offset is at most `offset`; -1 when there is none. */
function floorSegment(segments: readonly Segment[], offset: number): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((segments[middle] as Segment).baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}

function bytesFrom(segments: readonly Segment[], at: number, position: number): number {
  let bytes = -position
  for (let i = at; i < segments.length; i += 1) bytes += (segments[i] as Segment).size
  return bytes
}

/** Returns where the last whole batch below `endOffset` ends in `buffer`, from `at` on. Offsets begin at `from`. */
function wholeBatchesEnd(
  buffer: Buffer,
  at: number,
  { from, endOffset }: { readonly from: number; readonly endOffset: number },
): { readonly position: number; readonly nextOffset: number } {
  let position = at
  let nextOffset = from
  while (buffer.length - position >= batchHeaderSize) {
    const follower = position + batchSizeAt(buffer, position)
    const baseOffset = readInt64(buffer, position)
    if (follower < position + batchHeaderSize || follower > buffer.length) break
    if (baseOffset < nextOffset || baseOffset >= endOffset) break
    const end = baseOffset + buffer.readInt32BE(position + 23) + 1
    // The CRC does not cover offsets. After a gap, only the next batch shows whether this one's offset is right. If the next
    // batch is not in the buffer, the next read checks.
    const hasFollower = buffer.length - follower >= batchHeaderSize
    if (baseOffset > nextOffset && (!hasFollower || readInt64(buffer, follower) < end)) break
    nextOffset = end
    position = follower
  }
  return { position, nextOffset }
}

/** The aborted transactions that overlap the offsets from `from` up to `to`, `to` excluded, by their first offsets. */
export function abortedBetween(segments: readonly Segment[], from: number, to: number): readonly AbortedTransaction[] {
  const found: AbortedTransaction[] = []
  for (let i = Math.max(floorSegment(segments, from), 0); i < segments.length; i += 1) {
    if (segments[i]?.transactions.collect(from, to, found) === true) break
  }
  return found.sort((a, b) => a.firstOffset - b.firstOffset)
}
