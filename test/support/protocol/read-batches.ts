import { defaultMaxUncompressedBytes } from '../../../src/protocol/record-batch/compression.ts'
import {
  batchHeaderSize,
  batchSizeAt,
  readBatchHeader,
  type BatchHeader,
} from '../../../src/protocol/record-batch/record-batch.ts'
import { RecordReader, type BatchRecord } from '../../../src/protocol/record-batch/record-reader.ts'

/** Calls `visit` with the header and position of each batch in `buffer`. Stops at an incomplete batch. */
export function forEachBatch(buffer: Buffer, visit: (header: BatchHeader, position: number) => void): void {
  let position = 0
  while (buffer.length - position >= batchHeaderSize) {
    const size = batchSizeAt(buffer, position)
    if (size < batchHeaderSize || size > buffer.length - position) return
    visit(readBatchHeader(buffer, position), position)
    position += size
  }
}

/** The records of the batch at `position`, control records included. @throws ProtocolError as {@link RecordReader} does. */
export function readRecords(batch: Buffer, position = 0, maxBytes = defaultMaxUncompressedBytes): BatchRecord[] {
  const reader = new RecordReader(batch.subarray(position), maxBytes)
  const records: BatchRecord[] = []
  while (reader.next()) {
    records.push({
      offset: reader.offset,
      timestamp: reader.timestamp,
      key: reader.key(),
      value: reader.value(),
      headers: reader.headers(),
    })
  }
  return records
}
