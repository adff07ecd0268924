import { RecordReader } from '../protocol/record-reader.ts'
import type { BatchHeader } from '../protocol/record-batch.ts'
import type { Segment, TimestampOffset } from './segment.ts'

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
      const found = firstRecord(segment, scanner.position, header, timestamp, fromOffset)
      if (found !== null) return found.offset < endOffset ? found : null
    }
  }
  return null
}

/** The first record with the largest timestamp below `endOffset`; null for an empty log. */
export function findMaxTimestamp(
  segments: readonly Segment[],
  fromOffset: number,
  endOffset: number,
): TimestampOffset | null {
  let best: TimestampOffset | null = null
  for (const segment of segments) {
    if (segment.maxTimestamp.timestamp > (best?.timestamp ?? -1)) best = segment.maxTimestamp
  }
  return best === null ? null : findTimestamp(segments, best.timestamp, fromOffset, endOffset)
}

function firstRecord(
  segment: Segment,
  position: number,
  header: BatchHeader,
  timestamp: number,
  fromOffset: number,
): TimestampOffset | null {
  const bytes = Buffer.allocUnsafe(header.sizeInBytes)
  segment.file.read(bytes, 0, bytes.length, position)
  const reader = new RecordReader(bytes)
  while (reader.next()) {
    if (reader.timestamp >= timestamp && reader.offset >= fromOffset) {
      return { timestamp: reader.timestamp, offset: reader.offset }
    }
  }
  return null
}
