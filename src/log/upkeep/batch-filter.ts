import { compress } from '../../protocol/record-batch/compression.ts'
import {
  batchAttributes,
  batchHeaderSize,
  writeBatchHeader,
  type BatchHeader,
} from '../../protocol/record-batch/record-batch.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import { sizeOfVarlong, VarintReader, writeVarint, writeVarlong } from '../../protocol/bytes/varint.ts'

/** Returns whether compaction keeps the current record of the reader. */
export type KeepRecord = (reader: RecordReader) => boolean

/** The result of {@link filterBatch}. */
export interface Filtered {
  readonly kept: Buffer | null
  /** Bytes of records that were read. */
  readonly unpackedBytes: number
}

/**
 * Returns a batch without the records that `keep` rejects: the same bytes if it rejects none, null if it rejects all. Offsets,
 * sequence, producer and leader epoch stay. A batch that keeps a tombstone and has no delete horizon gets `deleteHorizonMs`, the
 * time from which the tombstone may be removed, in place of its base timestamp (KIP-534).
 */
export function filterBatch(batch: Buffer, keep: KeepRecord, deleteHorizonMs: number): Filtered {
  const reader = new RecordReader(batch)
  const kept: { readonly start: number; readonly end: number; readonly timestamp: number }[] = []
  let maxTimestamp = -1
  let hasTombstone = false
  while (reader.next()) {
    if (!keep(reader)) continue
    kept.push({ start: reader.start, end: reader.end, timestamp: reader.timestamp })
    maxTimestamp = Math.max(maxTimestamp, reader.timestamp)
    hasTombstone ||= reader.valueIsNull
  }
  const { header } = reader
  const unpackedBytes = reader.bytes.length
  const setsHorizon = hasTombstone && !header.hasDeleteHorizon
  if (kept.length === 0) return { kept: null, unpackedBytes }
  if (kept.length === header.recordCount && !setsHorizon) return { kept: batch, unpackedBytes }
  const baseTimestamp = setsHorizon ? deleteHorizonMs : header.baseTimestamp
  const records = Buffer.allocUnsafe(kept.reduce((sum, record) => sum + record.end - record.start + 20, 0))
  let at = 0
  for (const record of kept) {
    if (setsHorizon) {
      const source = new VarintReader(reader.bytes, record.start, record.end)
      at = rebase(records, at, source, record.timestamp - baseTimestamp)
    } else at += reader.bytes.copy(records, at, record.start, record.end)
  }
  const made = { baseTimestamp, maxTimestamp, count: kept.length, setsHorizon }
  return { kept: assemble(header, records.subarray(0, at), made), unpackedBytes }
}

/** Copies a record with another timestamp delta to `at`. Returns the position after it. */
function rebase(target: Buffer, at: number, record: VarintReader, delta: number): number {
  record.signed()
  const attributes = record.buffer[record.position] ?? 0
  record.position += 1
  record.signedLong()
  const rest = record.end - record.position
  let position = writeVarint(target, 1 + sizeOfVarlong(delta) + rest, at)
  target[position] = attributes
  position = writeVarlong(target, delta, position + 1)
  return position + record.buffer.copy(target, position, record.position, record.end)
}

function assemble(
  header: BatchHeader,
  records: Buffer,
  made: {
    readonly baseTimestamp: number
    readonly maxTimestamp: number
    readonly count: number
    readonly setsHorizon: boolean
  },
): Buffer {
  const packed = header.codec === 'none' ? records : compress(header.codec, records)
  const batch = Buffer.allocUnsafeSlow(batchHeaderSize + packed.length)
  packed.copy(batch, batchHeaderSize)
  writeBatchHeader(batch, 0, batch.length, {
    ...header,
    attributes: batchAttributes({ ...header, hasDeleteHorizon: header.hasDeleteHorizon || made.setsHorizon }),
    baseTimestamp: made.baseTimestamp,
    maxTimestamp: header.timestampType === 1 ? header.maxTimestamp : made.maxTimestamp,
    recordCount: made.count,
  })
  return batch
}
