import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder, recordSizeBound } from '../../src/protocol/record-batch/batch-builder.ts'
import { ProtocolError } from '../../src/protocol/protocol-error.ts'
import {
  batchHeaderSize,
  readBatchHeader,
  updateCrc,
  batchFault,
} from '../../src/protocol/record-batch/record-batch.ts'
import { readRecords } from '../support/protocol/read-batches.ts'

const bytes = fc.option(
  fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value)),
  { nil: null },
)
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: bytes }), { maxLength: 3 }),
  timestamp: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
    fc.integer(),
    fc.maxSafeInteger(),
  ),
})
const codec = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd')

/** Timestamps whose distance a double cannot hold would come back as the nearest one. */
const isExact = (timestamps: readonly number[]): boolean =>
  timestamps.every((timestamp) => Number.isSafeInteger(timestamp - (timestamps[0] ?? 0)))

const records = fc
  .array(record, { minLength: 1, maxLength: 30 })
  .filter((list) => isExact(list.map(({ timestamp }) => timestamp)))

describe('record batches', () => {
  it('give back what went in, through every codec, and never outgrow their estimate', () => {
    fc.assert(
      fc.property(records, codec, (list, chosen) => {
        const builder = new BatchBuilder(64)
        let bound = batchHeaderSize
        for (const { key, value, headers, timestamp } of list) {
          bound += recordSizeBound(key, value, headers)
          builder.append(key, value, headers, timestamp)
        }
        expect(builder.size).toBeLessThanOrEqual(bound)
        const batch = builder.finish({ codec: chosen })
        expect(batchFault(batch)).toBeNull()
        expect(readBatchHeader(batch).maxTimestamp).toBe(Math.max(...list.map(({ timestamp }) => timestamp)))
        expect(readRecords(batch)).toEqual(list.map((one, offset) => ({ offset, ...one })))
      }),
      { numRuns: 200 },
    )
  })

  it('are verified to the byte', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, place, flip) => {
        const builder = new BatchBuilder(64)
        for (const { key, value, headers, timestamp } of list) builder.append(key, value, headers, timestamp)
        const batch = builder.finish()
        // Offset and leader epoch are the broker's and not covered.
        const at = 16 + (place % (batch.length - 16))
        batch[at] = (batch[at] ?? 0) ^ flip
        expect(batchFault(batch)).not.toBeNull()
      }),
      { numRuns: 300 },
    )
  })

  it('with lies inside a right checksum are read or refused by name', () => {
    fc.assert(
      fc.property(records, codec, fc.nat(), fc.nat(255), (list, chosen, place, byte) => {
        const builder = new BatchBuilder(64)
        for (const { key, value, headers, timestamp } of list) builder.append(key, value, headers, timestamp)
        const batch = builder.finish({ codec: chosen })
        batch[21 + (place % (batch.length - 21))] = byte
        updateCrc(batch, 0)
        try {
          readRecords(batch, 0, 1 << 20)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
