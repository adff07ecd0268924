import { describe, expect, it } from 'vitest'
import { checkBatch, verifiedBatch } from '../../../src/log/batch-check.ts'
import { defaultLogConfig, type LogConfig } from '../../../src/log/log-config.ts'
import { LogError, RejectedBatchError } from '../../../src/log/log-error.ts'
import { errorCodes, errorName } from '../../../src/protocol/error-codes.ts'
import {
  readBatchHeader,
  stampLogAppendTime,
  stampMaxTimestamp,
  updateCrc,
} from '../../../src/protocol/record-batch/record-batch.ts'
import { bytesOf } from '../../support/log/log-harness.ts'

const nowMs = 1_700_000_000_000

function verdict(bytes: Buffer, config: Partial<LogConfig> = {}): string {
  try {
    checkBatch(verifiedBatch(bytes), { ...defaultLogConfig, ...config }, nowMs, 'client')
    return 'NONE'
  } catch (error) {
    if (error instanceof LogError) return errorName(error.errorCode)
    throw error
  }
}

/** A good batch with one thing about it changed, its CRC computed again. */
function changed(change: (batch: Buffer) => void): Buffer {
  const batch = bytesOf([
    ['a', '1'],
    ['b', '2'],
  ])
  change(batch)
  updateCrc(batch, 0)
  return batch
}

describe('a batch is taken', () => {
  it('when it is one, whole and intact', () => {
    expect(verdict(bytesOf([['k', 'v']]))).toBe('NONE')
    expect(verdict(bytesOf([[null, null]], { codec: 'zstd' }))).toBe('NONE')
  })

  it('with the largest timestamp of its records, whatever its head says', () => {
    const batch = bytesOf([
      ['a', '1', 1000],
      ['b', '2', 3000],
      ['c', '3', 2000],
    ])
    stampMaxTimestamp(batch, 0, 9_999_999)
    const verified = verifiedBatch(batch)
    checkBatch(verified, defaultLogConfig, nowMs, 'client')
    expect(verified.header.maxTimestamp).toBe(3000)
    expect([readBatchHeader(batch).maxTimestamp, verdict(batch)]).toEqual([3000, 'NONE'])
  })
})

describe('a batch is refused', () => {
  const whole = bytesOf([['k', 'v']])

  it.each([
    ['when it is cut', whole.subarray(0, whole.length - 1), 'CORRUPT_MESSAGE'],
    ['when it is empty', Buffer.alloc(0), 'CORRUPT_MESSAGE'],
    [
      'when a byte of it changed',
      Buffer.concat([whole.subarray(0, 65), Buffer.from([0xff]), whole.subarray(66)]),
      'CORRUPT_MESSAGE',
    ],
    ['when there are two', Buffer.concat([whole, whole]), 'INVALID_RECORD'],
    ['when its magic is not 2', changed((batch) => batch.writeInt8(1, 16)), 'INVALID_RECORD'],
    ['when its codec is unknown', changed((batch) => batch.writeInt16BE(7, 21)), 'INVALID_RECORD'],
    ['when it counts records it has not', changed((batch) => batch.writeInt32BE(1, 57)), 'INVALID_RECORD'],
    ['when its base offset is not 0', changed((batch) => batch.writeBigInt64BE(5n, 0)), 'INVALID_RECORD'],
    ['when it is a control batch', changed((batch) => batch.writeInt16BE(0x20, 21)), 'INVALID_RECORD'],
    ['when it has a delete horizon', changed((batch) => batch.writeInt16BE(0x40, 21)), 'INVALID_RECORD'],
    ['when it has a producer and no sequence', changed((batch) => batch.writeBigInt64BE(7n, 43)), 'INVALID_RECORD'],
    [
      'when it sets the time of the broker',
      changed((batch) => stampLogAppendTime(batch, 0, nowMs)),
      'INVALID_TIMESTAMP',
    ],
    ['when its time is far in the future', bytesOf([['k', 'v', nowMs + 3_600_001]]), 'INVALID_TIMESTAMP'],
    ['when a record is longer than its batch', changed((batch) => batch.writeInt8(0x7e, 61)), 'CORRUPT_MESSAGE'],
    ['when its offsets do not follow one another', changed((batch) => batch.writeInt8(4, 64)), 'INVALID_RECORD'],
  ])('%s', (_, bytes, expected) => {
    expect(verdict(Buffer.from(bytes))).toBe(expected)
  })

  it('when it is larger than a message or a segment may be', () => {
    expect(verdict(whole, { maxMessageBytes: 10 })).toBe('MESSAGE_TOO_LARGE')
    expect(verdict(whole, { segmentBytes: 10 })).toBe('RECORD_LIST_TOO_LARGE')
  })

  it('with the code clients know, by an error that says why', () => {
    const refuse = (): unknown => verifiedBatch(Buffer.concat([whole, whole]))
    expect(refuse).toThrow('more than one batch for a partition')
    expect(errorCodes.INVALID_RECORD).toBe(87)
  })
})

describe('the records that are at fault are named', () => {
  function refusal(bytes: Buffer, config: Partial<LogConfig> = {}): RejectedBatchError {
    try {
      checkBatch(verifiedBatch(bytes), { ...defaultLogConfig, ...config }, nowMs, 'client')
    } catch (error) {
      if (error instanceof RejectedBatchError) return error
      throw error
    }
    throw new RangeError('the batch is taken')
  }
  const indexesOf = (error: RejectedBatchError): number[] => error.records.map(({ batchIndex }) => batchIndex)

  it.each(['none', 'gzip', 'zstd'] as const)('when a compacted topic gets records without a key (%s)', (codec) => {
    const error = refusal(
      bytesOf(
        [
          ['a', '1'],
          [null, '2'],
          ['c', '3'],
          [null, '4'],
        ],
        { codec },
      ),
      { compact: true },
    )
    expect([errorName(error.errorCode), indexesOf(error)]).toEqual(['INVALID_RECORD', [1, 3]])
    expect(error.message).toContain('2 records of the batch are invalid')
    expect(error.records[0]?.message).toContain('key')
  })

  it('when their times are not allowed, before and after, and only those', () => {
    const times = bytesOf([
      ['a', '1', nowMs + 3_600_001],
      ['b', '2', nowMs],
      ['c', '3', nowMs - 1001],
      ['d', '4', -1],
    ])
    const error = refusal(times, { timestampBeforeMaxMs: 1000 })
    expect([errorName(error.errorCode), indexesOf(error)]).toEqual(['INVALID_TIMESTAMP', [0, 2]])
  })

  it('when both are wrong, by the code of the times, as in Kafka', () => {
    const mixed = bytesOf([
      [null, '1', nowMs],
      ['b', '2', nowMs + 3_600_001],
    ])
    const error = refusal(mixed, { compact: true })
    expect([errorName(error.errorCode), indexesOf(error)]).toEqual(['INVALID_TIMESTAMP', [0, 1]])
  })

  it('up to a thousand; the message counts them all', () => {
    const many = bytesOf(Array.from({ length: 3000 }, (_, i) => [null, String(i)] as const))
    const error = refusal(many, { compact: true })
    expect(error.records).toHaveLength(1000)
    expect(error.message).toContain('3000 records')
  })

  it('never, when the fault is the whole batch', () => {
    expect(refusal(Buffer.concat([bytesOf([['k', 'v']]), bytesOf([['k', 'v']])])).records).toEqual([])
  })
})
