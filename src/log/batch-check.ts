import { errorCodes } from '../protocol/error-codes.ts'
import {
  batchSizeAt,
  readBatchHeader,
  stampMaxTimestamp,
  verifyBatch,
  type BatchFault,
  type BatchHeader,
} from '../protocol/record-batch.ts'
import { RecordReader } from '../protocol/record-reader.ts'
import type { LogConfig } from './log-config.ts'
import { RejectedBatchError } from './log-error.ts'

/** Who appends: a client, or the broker itself, whose batches may be control batches. */
export type Origin = 'client' | 'broker'

/**
 * Whether `bytes` are one batch that the log may take. Also checks what would poison the log: a batch with a wrong CRC would be
 * cut at the next recovery with all that follows it.
 * @throws RejectedBatchError with Kafka's code for the first fault.
 */
export function checkBatch(bytes: Buffer, config: LogConfig, nowMs: number, origin: Origin): BatchHeader {
  const fault = verifyBatch(bytes)
  if (fault !== null) throw faulty(fault)
  const header = readBatchHeader(bytes)
  if (batchSizeAt(bytes, 0) !== bytes.length) throw reject('INVALID_RECORD', 'more than one batch for a partition')
  if (header.sizeInBytes > config.maxMessageBytes) {
    throw reject(
      'MESSAGE_TOO_LARGE',
      `${header.sizeInBytes} bytes are above max.message.bytes ${config.maxMessageBytes}`,
    )
  }
  if (header.sizeInBytes > config.segmentBytes) {
    throw reject('RECORD_LIST_TOO_LARGE', `${header.sizeInBytes} bytes are above segment.bytes ${config.segmentBytes}`)
  }
  if (origin === 'client') checkFields(header)
  const maxTimestamp = header.isControl ? header.maxTimestamp : checkRecords(bytes, header, config)
  if (config.timestampType === 1) return header
  checkTimestamp(maxTimestamp, config, nowMs)
  if (maxTimestamp === header.maxTimestamp) return header
  stampMaxTimestamp(bytes, 0, maxTimestamp) // Some producers send a wrong one, by which records would be found and expire.
  return readBatchHeader(bytes)
}

function checkFields(header: BatchHeader): void {
  if (header.baseOffset !== 0) throw reject('INVALID_RECORD', `base offset ${header.baseOffset} is not 0`)
  if (header.recordCount <= 0 || header.lastOffsetDelta + 1 !== header.recordCount) {
    throw reject(
      'INVALID_RECORD',
      `${header.recordCount} records and last offset delta ${header.lastOffsetDelta} disagree`,
    )
  }
  if (header.isControl) throw reject('INVALID_RECORD', 'clients may not write control batches')
  if (header.hasDeleteHorizon) throw reject('INVALID_RECORD', 'clients may not set a delete horizon')
  if (header.producerId >= 0 && header.baseSequence < 0) {
    throw reject('INVALID_RECORD', `sequence ${header.baseSequence} with producer id ${header.producerId}`)
  }
  if (header.timestampType === 1) throw reject('INVALID_TIMESTAMP', 'clients may not set the log append time')
}

function checkTimestamp(timestamp: number, config: LogConfig, nowMs: number): void {
  if (timestamp < 0) return
  if (timestamp > nowMs + config.timestampAfterMaxMs || timestamp < nowMs - config.timestampBeforeMaxMs) {
    throw reject('INVALID_TIMESTAMP', `timestamp ${timestamp} is out of the range message.timestamp.*.max.ms allows`)
  }
}

/**
 * The records of an uncompressed batch, and of any batch of a compacted topic, where every record needs a key. Others are
 * stored unopened: their producers' mistakes reach their consumers, as their CRC says.
 * @returns the largest timestamp; of unopened batches what their head says.
 */
function checkRecords(bytes: Buffer, header: BatchHeader, config: LogConfig): number {
  if (header.codec !== 'none' && !config.compact) return header.maxTimestamp
  let maxTimestamp = -1
  try {
    const reader = new RecordReader(bytes)
    for (let i = 0; reader.next(); i += 1) {
      if (reader.offset !== header.baseOffset + i)
        throw reject('INVALID_RECORD', `offset delta of record ${i} is not ${i}`)
      if (config.compact && reader.keyIsNull)
        throw reject('INVALID_RECORD', `record ${i} of a compacted topic has no key`)
      if (reader.timestamp > maxTimestamp) maxTimestamp = reader.timestamp
    }
    return maxTimestamp
  } catch (error) {
    if (error instanceof RejectedBatchError) throw error
    throw new RejectedBatchError(errorCodes.CORRUPT_MESSAGE, `the records do not decode: ${String(error)}`, error)
  }
}

function faulty(fault: BatchFault): RejectedBatchError {
  return fault === 'BAD_MAGIC' || fault === 'BAD_CODEC' || fault === 'BAD_COUNT'
    ? reject('INVALID_RECORD', fault)
    : reject('CORRUPT_MESSAGE', fault)
}

function reject(name: keyof typeof errorCodes, why: string): RejectedBatchError {
  return new RejectedBatchError(errorCodes[name], `${name}: ${why}`)
}
