import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import type { BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import type { Segment } from './segment.ts'
import type { TimestampOffset } from './segment-indexes.ts'

/**
 * The first record at or after `timestamp`, of those from `fromOffset` up to `endOffset`; null when there is none. The time
 * index leads near to it, batch heads to the batch, and the batch is opened for the record.
 */
export function findTimestamp(
  segments: readonly Segment[],
  timestamp: number,
  fromOffset: number,
  endOffset: number,
): TimestampOffset | null {
  for (const segment of segments) {
    if (segment.endOffset <= fromOffset || segment.maxTimestamp.timestamp < timestamp) continue
    const scanner = segment.scanNear(Math.max(segment.floorOffset(timestamp), fromOffset))
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.baseOffset >= endOffset) return null
      if (header.maxTimestamp < timestamp || header.lastOffset < fromOffset) continue
      const found = firstRecord(batchAt(segment, scanner.position, header), { timestamp, offset: fromOffset })
      if (found !== null) return found.offset < endOffset ? found : null
    }
  }
  return null
}

/** The largest timestamp of a segment's batches below `endOffset`; -1 when there is none. */
function maxTimestampBelow(segment: Segment, endOffset: number): number {
  if (segment.maxTimestamp.offset < endOffset) return segment.maxTimestamp.timestamp
  // The youngest batch is still being synced. The index leads near to the end, batch heads to the rest.
  let i = segment.indexes.timeCount - 1
  while (i >= 0 && segment.indexes.timeAt(i).offset >= endOffset) i -= 1
  const known = i < 0 ? { timestamp: -1, offset: segment.baseOffset } : segment.indexes.timeAt(i)
  let max = known.timestamp
  const scanner = segment.scanNear(known.offset)
  for (let header = scanner.next(); header !== null && header.baseOffset < endOffset; header = scanner.next())
    max = Math.max(max, header.maxTimestamp)
  return max
}

/** The first record with the largest timestamp below `endOffset`; null for an empty log. */
export function findMaxTimestamp(
  segments: readonly Segment[],
  fromOffset: number,
  endOffset: number,
): TimestampOffset | null {
  let best = -1
  for (const segment of segments)
    if (segment.maxTimestamp.timestamp > best) best = Math.max(best, maxTimestampBelow(segment, endOffset))
  return best < 0 ? null : findTimestamp(segments, best, fromOffset, endOffset)
}

/** Finds the first record of a batch at or after both of `least`. */
function firstRecord(batch: Buffer, least: TimestampOffset): TimestampOffset | null {
  const reader = new RecordReader(batch)
  while (reader.next()) {
    if (reader.timestamp >= least.timestamp && reader.offset >= least.offset) {
      return { timestamp: reader.timestamp, offset: reader.offset }
    }
  }
  return null
}

function batchAt(segment: Segment, position: number, { sizeInBytes }: BatchHeader): Buffer {
  const bytes = Buffer.allocUnsafe(sizeInBytes)
  segment.file.read(bytes, 0, bytes.length, position)
  return bytes
}
