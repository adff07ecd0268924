import { crc32c } from './crc32c.ts'
import { readInt64, writeInt64 } from '../bytes/int64.ts'
import { ProtocolError } from '../protocol-error.ts'

/*
 * RecordBatch, magic 2 (KIP-98, https://kafka.apache.org/documentation/#recordbatch): the only format that is stored and served.
 *
 *   at  size
 *    0   8   baseOffset            given by the broker
 *    8   4   batchLength           bytes after this field; at least 49
 *   12   4   partitionLeaderEpoch  given by the broker
 *   16   1   magic = 2
 *   17   4   crc                   CRC-32C of everything from 21 to the end
 *   21   2   attributes            0-2 codec · 3 timestamp type · 4 transactional · 5 control · 6 delete horizon
 *   23   4   lastOffsetDelta       stays when compaction removes the last record
 *   27   8   baseTimestamp         or the delete horizon, when bit 6 is set
 *   35   8   maxTimestamp
 *   43   8   producerId            -1 without
 *   51   2   producerEpoch
 *   53   4   baseSequence
 *   57   4   recordCount
 *   61   …   records               one compressed blob when there is a codec
 */

/** Bytes of a batch before its records. */
export const batchHeaderSize = 61

/** Bytes before what `batchLength` counts. */
export const batchPreludeSize = 12

const magicAt = 16
const crcAt = 17
const attributesAt = 21
const baseTimestampAt = 27
const maxTimestampAt = 35
const producerIdAt = 43

const codecMask = 0b111
const logAppendTimeBit = 1 << 3
const transactionalBit = 1 << 4
const controlBit = 1 << 5
const deleteHorizonBit = 1 << 6

/** The numbers of the compression codecs in `attributes`. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** The name of a compression codec, spelled as Kafka's configs spell it. */
export type Codec = keyof typeof codecs

const codecNames: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The header of a batch. Timestamps are milliseconds since the epoch; `sizeInBytes` is that of the whole batch. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly batchLength: number
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly codec: Codec
  /** 0: the producer's time; 1: the broker's, and `maxTimestamp` is the time of every record. */
  readonly timestampType: 0 | 1
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** Whether `baseTimestamp` holds the time after which compaction may remove tombstones and markers. */
  readonly hasDeleteHorizon: boolean
  readonly lastOffsetDelta: number
  readonly lastOffset: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Why bytes are not an intact batch. `TRUNCATED`: the end is missing. */
export type BatchFault = 'TRUNCATED' | 'BAD_LENGTH' | 'BAD_MAGIC' | 'BAD_CRC' | 'BAD_CODEC' | 'BAD_COUNT'

/** Returns the size of the batch at `position`, or -1 when its length is not in the buffer. Nothing else is checked. */
export function batchSizeAt(buffer: Buffer, position: number): number {
  if (buffer.length - position < batchPreludeSize) return -1
  return buffer.readInt32BE(position + 8) + batchPreludeSize
}

/**
 * Decodes the header of the batch at `position`. Only its 61 bytes have to be in the buffer.
 * @throws ProtocolError when they are not, the magic is not 2, or the codec is unknown.
 */
export function readBatchHeader(buffer: Buffer, position = 0): BatchHeader {
  if (buffer.length - position < batchHeaderSize) {
    throw new ProtocolError(
      `a record batch header needs ${batchHeaderSize} bytes, ${buffer.length - position} are there`,
    )
  }
  const magic = buffer.readInt8(position + magicAt)
  if (magic !== 2) throw new ProtocolError(`record batch magic ${magic} is not 2`)
  const batchLength = buffer.readInt32BE(position + 8)
  if (batchLength < batchHeaderSize - batchPreludeSize)
    throw new ProtocolError(`record batch length ${batchLength} is below 49`)
  const attributes = buffer.readInt16BE(position + attributesAt)
  const codec = codecNames[attributes & codecMask]
  if (codec === undefined) throw new ProtocolError(`record batch codec ${attributes & codecMask} is unknown`)
  const baseOffset = readInt64(buffer, position)
  const lastOffsetDelta = buffer.readInt32BE(position + 23)
  return {
    baseOffset,
    batchLength,
    sizeInBytes: batchLength + batchPreludeSize,
    partitionLeaderEpoch: buffer.readInt32BE(position + 12),
    magic,
    crc: buffer.readUInt32BE(position + crcAt),
    attributes,
    codec,
    timestampType: (attributes & logAppendTimeBit) === 0 ? 0 : 1,
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    hasDeleteHorizon: (attributes & deleteHorizonBit) !== 0,
    lastOffsetDelta,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp: readInt64(buffer, position + baseTimestampAt),
    maxTimestamp: readInt64(buffer, position + maxTimestampAt),
    producerId: readInt64(buffer, position + producerIdAt),
    producerEpoch: buffer.readInt16BE(position + 51),
    baseSequence: buffer.readInt32BE(position + 53),
    recordCount: buffer.readInt32BE(position + 57),
  }
}

/** Returns the first fault of the batch at `position`; null when it is whole and intact. One pass over its bytes (the CRC). */
export function batchFault(buffer: Buffer, position = 0): BatchFault | null {
  const available = buffer.length - position
  if (available < batchPreludeSize) return 'TRUNCATED'
  const size = buffer.readInt32BE(position + 8) + batchPreludeSize
  if (size < batchHeaderSize) return 'BAD_LENGTH'
  if (available <= magicAt) return 'TRUNCATED'
  if (buffer.readInt8(position + magicAt) !== 2) return 'BAD_MAGIC'
  if (available < size) return 'TRUNCATED'
  if (crc32c(buffer.subarray(position + attributesAt, position + size)) !== buffer.readUInt32BE(position + crcAt))
    return 'BAD_CRC'
  if ((buffer.readInt16BE(position + attributesAt) & codecMask) > codecs.zstd) return 'BAD_CODEC'
  const recordCount = buffer.readInt32BE(position + 57)
  const lastOffsetDelta = buffer.readInt32BE(position + 23)
  return recordCount < 0 || lastOffsetDelta < 0 || recordCount > lastOffsetDelta + 1 ? 'BAD_COUNT' : null
}

/** Writes the fields that the broker sets, in place. The CRC does not cover them. */
export function assignOffsets(buffer: Buffer, position: number, baseOffset: number, leaderEpoch: number): void {
  writeInt64(buffer, baseOffset, position)
  buffer.writeInt32BE(leaderEpoch, position + 12)
}

/** Updates the CRC of the batch at `position`, after a change of the bytes that it covers. */
export function updateCrc(buffer: Buffer, position: number): void {
  const end = position + batchSizeAt(buffer, position)
  buffer.writeUInt32BE(crc32c(buffer.subarray(position + attributesAt, end)), position + crcAt)
}

/** Sets the timestamp of the batch to that of the broker (`message.timestamp.type=LogAppendTime`), in place, and updates the CRC. */
export function stampLogAppendTime(buffer: Buffer, position: number, timestampMs: number): void {
  buffer.writeInt16BE(buffer.readInt16BE(position + attributesAt) | logAppendTimeBit, position + attributesAt)
  stampMaxTimestamp(buffer, position, timestampMs)
}

/** Sets the largest timestamp in place, and updates the CRC. Some producers send a wrong one. */
export function stampMaxTimestamp(buffer: Buffer, position: number, timestampMs: number): void {
  writeInt64(buffer, timestampMs, position + maxTimestampAt)
  updateCrc(buffer, position)
}

/** Sets producer id, epoch and first sequence in place, and updates the CRC, to send a batch again under another epoch. */
export function stampProducer(
  buffer: Buffer,
  position: number,
  producer: { readonly producerId: number; readonly producerEpoch: number; readonly baseSequence: number },
): void {
  writeInt64(buffer, producer.producerId, position + producerIdAt)
  buffer.writeInt16BE(producer.producerEpoch, position + 51)
  buffer.writeInt32BE(producer.baseSequence, position + 53)
  updateCrc(buffer, position)
}

/** The fields that {@link writeBatchHeader} writes. */
export interface BatchHeaderFields {
  readonly baseOffset: number
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Writes the header of a batch of `size` bytes at `position`, and its CRC. The records must already be written. */
export function writeBatchHeader(buffer: Buffer, position: number, size: number, fields: BatchHeaderFields): void {
  writeInt64(buffer, fields.baseOffset, position)
  buffer.writeInt32BE(size - batchPreludeSize, position + 8)
  buffer.writeInt32BE(fields.partitionLeaderEpoch, position + 12)
  buffer.writeInt8(2, position + magicAt)
  buffer.writeInt16BE(fields.attributes, position + attributesAt)
  buffer.writeInt32BE(fields.lastOffsetDelta, position + 23)
  writeInt64(buffer, fields.baseTimestamp, position + baseTimestampAt)
  writeInt64(buffer, fields.maxTimestamp, position + maxTimestampAt)
  writeInt64(buffer, fields.producerId, position + producerIdAt)
  buffer.writeInt16BE(fields.producerEpoch, position + 51)
  buffer.writeInt32BE(fields.baseSequence, position + 53)
  buffer.writeInt32BE(fields.recordCount, position + 57)
  updateCrc(buffer, position)
}

/** Encodes the attributes of a batch. */
export function batchAttributes(options: {
  readonly codec?: Codec
  readonly timestampType?: 0 | 1
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly hasDeleteHorizon?: boolean
}): number {
  return (
    codecs[options.codec ?? 'none'] |
    (options.timestampType === 1 ? logAppendTimeBit : 0) |
    (options.isTransactional === true ? transactionalBit : 0) |
    (options.isControl === true ? controlBit : 0) |
    (options.hasDeleteHorizon === true ? deleteHorizonBit : 0)
  )
}
