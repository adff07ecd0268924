import { describe, expect, it } from 'vitest'
import { BatchBuilder, recordSizeBound } from '../../../../src/protocol/record-batch/batch-builder.ts'
import { ProtocolError } from '../../../../src/protocol/protocol-error.ts'
import { RecordReader } from '../../../../src/protocol/record-batch/record-reader.ts'
import {
  assignOffsets,
  batchHeaderSize,
  readBatchHeader,
  stampLogAppendTime,
  stampProducer,
  updateCrc,
  batchFault,
  type Codec,
} from '../../../../src/protocol/record-batch/record-batch.ts'
import { forEachBatch, readRecords } from '../../../support/protocol/read-batches.ts'

const golden = Buffer.from(
  '0000000000000000000000460000000002e7042aae0000000000010000018bcfe568000000018bcfe56805' +
    'ffffffffffffffff000000000000000000021a000000026b04763102026802780c000a02010100',
  'hex',
)

function batchOf(count: number, options: { codec?: Codec } = {}): Buffer {
  const builder = new BatchBuilder(64)
  for (let i = 0; i < count; i += 1) {
    builder.append(Buffer.from(`k${i}`), Buffer.from(`value ${i} `.repeat(20)), [], 1_700_000_000_000 + i)
  }
  return builder.finish(options)
}

describe('a record batch', () => {
  it('is read from bytes that another client wrote', () => {
    expect(batchFault(golden)).toBeNull()
    expect(readBatchHeader(golden)).toMatchObject({
      baseOffset: 0,
      sizeInBytes: 82,
      codec: 'none',
      timestampType: 0,
      isTransactional: false,
      isControl: false,
      lastOffsetDelta: 1,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_005,
      producerId: -1,
      producerEpoch: 0,
      baseSequence: 0,
      recordCount: 2,
    })
    expect(readRecords(golden)).toEqual([
      {
        offset: 0,
        timestamp: 1_700_000_000_000,
        key: Buffer.from('k'),
        value: Buffer.from('v1'),
        headers: [{ key: 'h', value: Buffer.from('x') }],
      },
      { offset: 1, timestamp: 1_700_000_000_005, key: null, value: null, headers: [] },
    ])
  })

  it('is written with the same bytes', () => {
    const builder = new BatchBuilder()
    builder.append(Buffer.from('k'), Buffer.from('v1'), [{ key: 'h', value: Buffer.from('x') }], 1_700_000_000_000)
    builder.append(null, null, [], 1_700_000_000_005)
    const batch = builder.finish({ producerId: -1, producerEpoch: 0, baseSequence: 0 })
    assignOffsets(batch, 0, 0, 0)
    expect(batch.toString('hex')).toBe(golden.toString('hex'))
  })

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`keeps its records through ${codec}`, () => {
      const batch = batchOf(300, { codec })
      expect(batchFault(batch)).toBeNull()
      expect(readBatchHeader(batch).codec).toBe(codec)
      const records = readRecords(batch)
      expect(records.length).toBe(300)
      expect(records[299]).toEqual({
        offset: 299,
        timestamp: 1_700_000_000_299,
        key: Buffer.from('k299'),
        value: Buffer.from('value 299 '.repeat(20)),
        headers: [],
      })
    })
  }

  it('takes its place in the log without a new checksum', () => {
    const batch = batchOf(3)
    assignOffsets(batch, 0, 5_000_000_000, 7)
    expect(batchFault(batch)).toBeNull()
    expect(readBatchHeader(batch)).toMatchObject({
      baseOffset: 5_000_000_000,
      partitionLeaderEpoch: 7,
      lastOffset: 5_000_000_002,
    })
    expect(readRecords(batch).map((record) => record.offset)).toEqual([5_000_000_000, 5_000_000_001, 5_000_000_002])
  })

  it('gives all its records the time of the broker once it is stamped', () => {
    const batch = batchOf(2)
    stampLogAppendTime(batch, 0, 1_800_000_000_000)
    expect(batchFault(batch)).toBeNull()
    expect(readBatchHeader(batch).timestampType).toBe(1)
    expect(readRecords(batch).map((record) => record.timestamp)).toEqual([1_800_000_000_000, 1_800_000_000_000])
  })

  it('can be given to another producer epoch', () => {
    const batch = batchOf(2)
    stampProducer(batch, 0, { producerId: 4_294_967_296_001, producerEpoch: 3, baseSequence: 9 })
    expect(batchFault(batch)).toBeNull()
    expect(readBatchHeader(batch)).toMatchObject({ producerId: 4_294_967_296_001, producerEpoch: 3, baseSequence: 9 })
  })

  it('carries timestamps far apart, before the epoch and going back', () => {
    const builder = new BatchBuilder()
    const timestamps = [1_700_000_000_000, 0, -1, 8_640_000_000_000_000, -8_640_000_000_000_000]
    for (const timestamp of timestamps) builder.append(null, Buffer.from('v'), [], timestamp)
    const batch = builder.finish()
    expect(readRecords(batch).map((record) => record.timestamp)).toEqual(timestamps)
    expect(readBatchHeader(batch).maxTimestamp).toBe(8_640_000_000_000_000)
  })

  it('keeps repeated and null headers in order', () => {
    const builder = new BatchBuilder()
    const headers = [
      { key: 'a', value: Buffer.from('1') },
      { key: 'ü', value: null },
      { key: 'a', value: Buffer.alloc(0) },
    ]
    builder.append(Buffer.alloc(0), Buffer.alloc(0), headers, 5)
    expect(readRecords(builder.finish())[0]).toMatchObject({ key: Buffer.alloc(0), value: Buffer.alloc(0), headers })
  })

  it('never takes more room than its estimate', () => {
    const key = Buffer.alloc(200, 1)
    const value = Buffer.alloc(70_000, 2)
    const headers = [{ key: 'h', value: Buffer.alloc(130) }]
    const builder = new BatchBuilder()
    builder.append(key, value, headers, 0)
    const before = builder.size
    builder.append(key, value, headers, 8_000_000_000_000_000)
    expect(builder.size - before).toBeLessThanOrEqual(recordSizeBound(key, value, headers))
  })

  it('cannot be closed without a record', () => {
    expect(() => new BatchBuilder().finish()).toThrow(ProtocolError)
  })

  it('is one of several that lie one after the other, the last one cut', () => {
    const bytes = Buffer.concat([batchOf(2), batchOf(3), batchOf(4).subarray(0, 100)])
    const counts: number[] = []
    forEachBatch(bytes, (header) => counts.push(header.recordCount))
    expect(counts).toEqual([2, 3])
  })
})

describe('verifying a batch', () => {
  it('sees each kind of damage', () => {
    const batch = batchOf(2)
    expect(batchFault(batch.subarray(0, 11))).toBe('TRUNCATED')
    expect(batchFault(batch.subarray(0, batch.length - 1))).toBe('TRUNCATED')
    const zeros = Buffer.alloc(200)
    expect(batchFault(zeros)).toBe('BAD_LENGTH')
    const oldMagic = Buffer.from(batch)
    oldMagic[16] = 1
    expect(batchFault(oldMagic)).toBe('BAD_MAGIC')
    const flipped = Buffer.from(batch)
    flipped[70] = (flipped[70] ?? 0) ^ 1
    expect(batchFault(flipped)).toBe('BAD_CRC')
    const codec = Buffer.from(batch)
    codec[22] = 5
    updateCrc(codec, 0)
    expect(batchFault(codec)).toBe('BAD_CODEC')
    const count = Buffer.from(batch)
    count.writeInt32BE(3, 57)
    updateCrc(count, 0)
    expect(batchFault(count)).toBe('BAD_COUNT')
  })

  it('refuses to read a header that is cut, old or of an unknown codec', () => {
    const batch = batchOf(1)
    expect(() => readBatchHeader(batch.subarray(0, batchHeaderSize - 1))).toThrow(ProtocolError)
    expect(() => readBatchHeader(Buffer.alloc(100))).toThrow(/magic/)
    const codec = Buffer.from(batch)
    codec[22] = 7
    expect(() => readBatchHeader(codec)).toThrow(/codec 7/)
  })
})

describe('reading records', () => {
  it('reports damage with a named error, whichever byte lies', () => {
    const batch = batchOf(3)
    for (let at = batchHeaderSize; at < batch.length; at += 1) {
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const damaged = Buffer.from(batch)
        damaged[at] = value
        try {
          readRecords(damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }
    }
  })

  it('refuses a batch that is cut and counts that do not fit', () => {
    const batch = batchOf(3)
    expect(() => readRecords(batch.subarray(0, batch.length - 1))).toThrow(/cut short/)
    const more = Buffer.from(batch)
    more.writeInt32BE(4, 57)
    expect(() => readRecords(more)).toThrow(ProtocolError)
    const fewer = Buffer.from(batch)
    fewer.writeInt32BE(2, 57)
    expect(() => readRecords(fewer)).toThrow(/left after the last record/)
  })

  it('walks without objects and knows tombstones', () => {
    const builder = new BatchBuilder()
    builder.append(Buffer.from('k'), null, [], 1)
    builder.append(null, Buffer.from('v'), [], 2)
    const reader = new RecordReader(builder.finish())
    expect(reader.next()).toBe(true)
    expect([reader.keyIsNull, reader.valueIsNull]).toEqual([false, true])
    expect(reader.next()).toBe(true)
    expect([reader.keyIsNull, reader.valueIsNull]).toEqual([true, false])
    expect(reader.next()).toBe(false)
  })
})
