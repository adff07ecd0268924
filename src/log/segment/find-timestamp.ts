import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import { CorruptLogError } from '../log-error.ts'
import { suffixes } from './segment-files.ts'
import type { Segment } from './segment.ts'
import type { TimestampOffset } from './segment-indexes.ts'

/** The offsets to search: `from` and later, before `end`. */
export interface OffsetRange {
  readonly from: number
  readonly end: number
}

/**
 * Returns the first record in the range whose timestamp is at least `timestamp`; null when there is none. The time index and the
 * batch headers show which batches may have it; only those are decoded.
 * @throws CorruptLogError when the records of such a batch cannot be decoded.
 */
export function findTimestamp(
  segments: readonly Segment[],
  timestamp: number,
  range: OffsetRange,
): TimestampOffset | null {
  const { from, end } = range
  for (const segment of segments) {
    if (segment.endOffset <= from || segment.maxTimestamp.timestamp < timestamp) continue
    const scanner = segment.scanNear(Math.max(segment.floorOffset(timestamp), from))
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.baseOffset >= end) return null
      if (header.maxTimestamp < timestamp || header.lastOffset < from) continue
      for (const { timestamp: at, offset } of recordsOf(segment, scanner.position, header)) {
        if (at >= timestamp && offset >= from) return offset < end ? { timestamp: at, offset } : null
      }
    }
  }
  return null
}

/** Returns the first record in the range with the largest timestamp; null when there is none. @throws as {@link findTimestamp} */
export function findMaxTimestamp(segments: readonly Segment[], range: OffsetRange): TimestampOffset | null {
  let largest = -1
  for (const segment of segments) {
    if (segment.endOffset > range.from && segment.maxTimestamp.timestamp > largest)
      largest = Math.max(largest, largestTimestamp(segment, range))
  }
  return largest < 0 ? null : findTimestamp(segments, largest, range)
}

/** Returns the largest timestamp of a segment's records in the range; -1 when there is none. */
function largestTimestamp(segment: Segment, { from, end }: OffsetRange): number {
  const isCut = segment.baseOffset < from
  if (!isCut && segment.maxTimestamp.offset < end) return segment.maxTimestamp.timestamp
  const known = isCut ? null : lastTimeBelow(segment, end)
  let largest = known?.timestamp ?? -1
  const scanner = segment.scanNear(known?.offset ?? from)
  for (let header = scanner.next(); header !== null && header.baseOffset < end; header = scanner.next()) {
    if (header.maxTimestamp <= largest || header.lastOffset < from) continue
    if (header.baseOffset >= from) largest = header.maxTimestamp
    else {
      for (const record of recordsOf(segment, scanner.position, header))
        if (record.offset >= from) largest = Math.max(largest, record.timestamp)
    }
  }
  return largest
}

/** Returns the last entry of the time index for a record before `end`. */
function lastTimeBelow({ indexes }: Segment, end: number): TimestampOffset | null {
  for (let i = indexes.timeCount - 1; i >= 0; i -= 1) {
    const entry = indexes.timeAt(i)
    if (entry.offset < end) return entry
  }
  return null
}

/** Returns the reader of the batch at `position` once at each record: it moves on with the next one. */
function* recordsOf(segment: Segment, position: number, { sizeInBytes }: BatchHeader): Iterable<RecordReader> {
  const bytes = Buffer.allocUnsafe(sizeInBytes)
  segment.file.read(bytes, 0, bytes.length, position)
  try {
    const reader = new RecordReader(bytes)
    while (reader.next()) yield reader
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new CorruptLogError(segment.path(suffixes.log), position, error.message)
  }
}
