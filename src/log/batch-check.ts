import { errorCodes, type ErrorName } from '../protocol/error-codes.ts'
import type { BatchFault, BatchHeader } from '../protocol/record-batch/record-batch.ts'
import { RecordReader } from '../protocol/record-batch/record-reader.ts'
import { VerifiedBatch } from '../protocol/record-batch/verified-batch.ts'
import type { LogConfig } from './log-config.ts'
import { RejectedBatchError, type RecordFault } from './log-error.ts'

/** The origin of a batch: a client, or the broker itself, which may append control batches. */
export type Origin = 'client' | 'broker'

/**
 * Verifies that `bytes` are exactly one whole, intact record batch. A batch with a wrong CRC must never reach the log: the next
 * recovery would cut it off, together with everything after it (I5).
 * @throws RejectedBatchError with Kafka's error code for the first fault.
 */
export function verifiedBatch(bytes: Buffer): VerifiedBatch {
  const batch = VerifiedBatch.verify(bytes)
  if (!(batch instanceof VerifiedBatch)) throw faulty(batch)
  if (batch.header.sizeInBytes !== bytes.length) throw reject('INVALID_RECORD', 'more than one batch for a partition')
  return batch
}

/**
 * Checks whether a log with this configuration takes the batch. If its records are decoded, a wrong largest timestamp in the
 * header is corrected in place: some producers send one, and records are found and expire by it.
 * @throws RejectedBatchError with Kafka's error code for the first fault.
 */
export function checkBatch(batch: VerifiedBatch, config: LogConfig, nowMs: number, origin: Origin): void {
  const { header } = batch
  // The broker bounds its own records, such as those of a large group, where it creates them.
  if (origin === 'client' && header.sizeInBytes > config.maxMessageBytes) {
    throw reject(
      'MESSAGE_TOO_LARGE',
      `${header.sizeInBytes} bytes are above max.message.bytes ${config.maxMessageBytes}`,
    )
  }
  if (header.sizeInBytes > config.segmentBytes) {
    throw reject('RECORD_LIST_TOO_LARGE', `${header.sizeInBytes} bytes are above segment.bytes ${config.segmentBytes}`)
  }
  if (origin === 'client') checkFields(header)
  if (header.isControl) return
  const maxTimestamp = checkRecords(batch, config.compact, acceptedTimes(config, nowMs))
  if (config.timestampType === 0 && maxTimestamp !== header.maxTimestamp) batch.stampMaxTimestamp(maxTimestamp)
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

/** The range of timestamps that a topic accepts, inclusive. A record with timestamp -1 has none. */
interface AcceptedTimes {
  readonly firstMs: number
  readonly lastMs: number
}

function acceptedTimes(config: LogConfig, nowMs: number): AcceptedTimes {
  if (config.timestampType === 1) return { firstMs: Number.NEGATIVE_INFINITY, lastMs: Number.POSITIVE_INFINITY }
  return { firstMs: nowMs - config.timestampBeforeMaxMs, lastMs: nowMs + config.timestampAfterMaxMs }
}

function isOutOf({ firstMs, lastMs }: AcceptedTimes, timestamp: number): boolean {
  return timestamp >= 0 && (timestamp < firstMs || timestamp > lastMs)
}

function wrongTime(timestamp: number): string {
  return `timestamp ${timestamp} is outside the range that message.timestamp.before.max.ms and message.timestamp.after.max.ms allow`
}

/** Maximum number of listed faults; the rest are only counted. A batch can have millions of records. */
const listedFaults = 1000

/** Collects the invalid records of a batch. The producer can retry the others without them (KIP-467). */
class RecordFaults {
  readonly #listed: RecordFault[] = []
  #count = 0
  #hasWrongTime = false

  hasNoKey(batchIndex: number): void {
    this.#add(batchIndex, 'a record of a compacted topic needs a key')
  }

  hasWrongTime(batchIndex: number, timestamp: number): void {
    this.#hasWrongTime = true
    this.#add(batchIndex, wrongTime(timestamp))
  }

  /** @throws RejectedBatchError when there are any. */
  refuse(): void {
    if (this.#count === 0) return
    const code: ErrorName = this.#hasWrongTime ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD'
    const first = this.#listed.slice(0, 3).map(({ batchIndex, message }) => `record ${batchIndex}: ${message}`)
    const message = `${this.#count} records of the batch are invalid, for example: ${first.join('; ')}`
    throw new RejectedBatchError(errorCodes[code], message, { records: this.#listed })
  }

  #add(batchIndex: number, message: string): void {
    this.#count += 1
    if (this.#listed.length < listedFaults) this.#listed.push({ batchIndex, message })
  }
}

/**
 * Checks the records of an uncompressed batch, and of any batch of a compacted topic, where every record needs a key. Other
 * batches are stored without being decompressed: mistakes of their producers reach their consumers.
 * @returns the largest timestamp; that of the header if the batch was not decompressed.
 */
function checkRecords(batch: VerifiedBatch, needsKeys: boolean, times: AcceptedTimes): number {
  const { header } = batch
  if (header.codec !== 'none' && !needsKeys) {
    if (isOutOf(times, header.maxTimestamp)) throw reject('INVALID_TIMESTAMP', wrongTime(header.maxTimestamp))
    return header.maxTimestamp
  }
  let maxTimestamp = -1
  const faults = new RecordFaults()
  try {
    const reader = new RecordReader(batch)
    for (let i = 0; reader.next(); i += 1) {
      if (reader.offset !== header.baseOffset + i)
        throw reject('INVALID_RECORD', `offset delta of record ${i} is not ${i}`)
      if (needsKeys && reader.keyIsNull) faults.hasNoKey(i)
      else if (isOutOf(times, reader.timestamp)) faults.hasWrongTime(i, reader.timestamp)
      if (reader.timestamp > maxTimestamp) maxTimestamp = reader.timestamp
    }
  } catch (error) {
    if (error instanceof RejectedBatchError) throw error
    throw new RejectedBatchError(errorCodes.CORRUPT_MESSAGE, `the records cannot be decoded: ${String(error)}`, {
      cause: error,
    })
  }
  faults.refuse()
  return maxTimestamp
}

function faulty(fault: BatchFault): RejectedBatchError {
  const isRecordFault = fault === 'BAD_MAGIC' || fault === 'BAD_CODEC' || fault === 'BAD_COUNT'
  return reject(
    isRecordFault ? 'INVALID_RECORD' : 'CORRUPT_MESSAGE',
    `the bytes are not one intact record batch: ${fault}`,
  )
}

function reject(name: ErrorName, why: string): RejectedBatchError {
  return new RejectedBatchError(errorCodes[name], why)
}
