import { describe, expect, it } from 'vitest'
import { CorruptBatchError } from '../../../../src/client/errors.ts'
import type { FetchedRecord } from '../../../../src/client/consumer/fetched-record.ts'
import { PartitionBuffer } from '../../../../src/client/consumer/partition-buffer.ts'
import { BatchBuilder } from '../../../../src/protocol/record-batch/batch-builder.ts'
import {
  assignOffsets,
  batchAttributes,
  batchHeaderSize,
  updateCrc,
  writeBatchHeader,
} from '../../../../src/protocol/record-batch/record-batch.ts'

interface BatchOptions {
  readonly producerId?: number
  readonly isTransactional?: boolean
}

function batch(baseOffset: number, values: readonly string[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder()
  for (const value of values) builder.append(null, Buffer.from(value), [], 1)
  const bytes = builder.finish({ producerEpoch: 0, baseSequence: 0, ...options })
  assignOffsets(bytes, 0, baseOffset, 0)
  return bytes
}

/** A commit (1) or abort (0) marker. */
function marker(offset: number, producerId: number, type: 0 | 1): Buffer {
  const builder = new BatchBuilder()
  builder.append(Buffer.from([0, 0, 0, type]), Buffer.alloc(6), [], 1)
  const bytes = builder.finish({ producerId, producerEpoch: 0, isTransactional: true })
  bytes.writeInt16BE(batchAttributes({ isTransactional: true, isControl: true }), 21)
  updateCrc(bytes, 0)
  assignOffsets(bytes, 0, offset, 0)
  return bytes
}

/** What compaction leaves of a batch whose records it removed. */
function emptyBatch(baseOffset: number, lastOffsetDelta: number): Buffer {
  const bytes = Buffer.alloc(batchHeaderSize)
  writeBatchHeader(bytes, 0, batchHeaderSize, {
    baseOffset,
    partitionLeaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta,
    baseTimestamp: 1,
    maxTimestamp: 1,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 0,
  })
  return bytes
}

function read(buffer: PartitionBuffer, max = 1_000): string[] {
  const records: FetchedRecord[] = []
  buffer.read(records, max)
  return records.map(({ offset, value }) => `${offset}:${value?.toString() ?? ''}`)
}

describe('PartitionBuffer', () => {
  it('hands out records from its position on, in portions', () => {
    const buffer = new PartitionBuffer('t', 0, 11)
    buffer.push(Buffer.concat([batch(10, ['a', 'b', 'c']), batch(13, ['d'])]), null)
    expect(buffer.fetchOffset).toBe(14)
    expect(read(buffer, 1)).toEqual(['11:b'])
    expect(buffer.position).toBe(12)
    expect(read(buffer)).toEqual(['12:c', '13:d'])
    expect(buffer.position).toBe(14)
    expect(buffer.isEmpty).toBe(true)
    expect(buffer.bytes).toBe(0)
  })

  it('ignores an incomplete batch and fetches it again', () => {
    const buffer = new PartitionBuffer('t', 0, 0)
    const second = batch(1, ['b'])
    buffer.push(Buffer.concat([batch(0, ['a']), second.subarray(0, second.length - 1)]), null)
    expect(buffer.fetchOffset).toBe(1)
    expect(read(buffer)).toEqual(['0:a'])
    buffer.push(second.subarray(0, 20), null)
    expect(buffer.fetchOffset).toBe(1)
  })

  it('skips offsets that compaction removed', () => {
    const buffer = new PartitionBuffer('t', 0, 0)
    buffer.push(emptyBatch(0, 99), [])
    expect(read(buffer)).toEqual([])
    expect(buffer.position).toBe(100)
    expect(buffer.fetchOffset).toBe(100)
  })

  it('leaves out aborted transactions and markers, whatever the order of the list', () => {
    const buffer = new PartitionBuffer('t', 0, 0)
    const one = { producerId: 1, isTransactional: true }
    const two = { producerId: 2, isTransactional: true }
    buffer.push(
      Buffer.concat([
        batch(0, ['aborted by 1'], one),
        batch(1, ['aborted by 2'], two),
        batch(2, ['plain']),
        marker(3, 1, 0),
        batch(4, ['committed by 1'], one),
        batch(5, ['more of 2'], two),
        marker(6, 2, 0),
        marker(7, 1, 1),
        batch(8, ['later of 2'], two),
      ]),
      [
        { producerId: 2, firstOffset: 1 },
        { producerId: 1, firstOffset: 0 },
      ],
    )
    expect(read(buffer)).toEqual(['2:plain', '4:committed by 1', '8:later of 2'])
    expect(buffer.position).toBe(9)
  })

  it('leaves out the second of two aborted transactions of one producer, and only those', () => {
    const buffer = new PartitionBuffer('t', 0, 0)
    const one = { producerId: 1, isTransactional: true }
    buffer.push(
      Buffer.concat([
        batch(0, ['x'], one),
        marker(1, 1, 0),
        batch(2, ['good'], one),
        marker(3, 1, 1),
        batch(4, ['y'], one),
        marker(5, 1, 0),
      ]),
      [
        { producerId: 1, firstOffset: 0 },
        { producerId: 1, firstOffset: 4 },
      ],
    )
    expect(read(buffer)).toEqual(['2:good'])
  })

  it('delivers everything but markers when transactions do not matter', () => {
    const buffer = new PartitionBuffer('t', 0, 0)
    buffer.push(Buffer.concat([batch(0, ['x'], { producerId: 1, isTransactional: true }), marker(1, 1, 0)]), null)
    expect(read(buffer)).toEqual(['0:x'])
    expect(buffer.position).toBe(2)
  })

  it('returns the records before a batch with a wrong checksum, then throws with its topic, partition and offset', () => {
    const buffer = new PartitionBuffer('t', 3, 0)
    const damaged = batch(1, ['b'])
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
    buffer.push(Buffer.concat([batch(0, ['a']), damaged]), null)
    const records: FetchedRecord[] = []
    expect(() => buffer.read(records, 10)).toThrow(CorruptBatchError)
    expect(records).toHaveLength(1)
    expect(() => buffer.read([], 10)).toThrow(/offset 1 of t-3 cannot be read: BAD_CRC/)
    expect(buffer.position).toBe(1)
  })

  it('names the place of a marker whose record cannot be decoded', () => {
    const buffer = new PartitionBuffer('t', 3, 0)
    const damaged = marker(7, 1, 0)
    damaged.writeUInt8(0x7e, batchHeaderSize)
    updateCrc(damaged, 0)
    buffer.push(damaged, [])
    expect(() => buffer.read([], 10)).toThrow(CorruptBatchError)
    expect(() => buffer.read([], 10)).toThrow(/offset 7 of t-3 cannot be read: .*record length 63/)
  })

  it('drops its buffer when its position is set', () => {
    const buffer = new PartitionBuffer('t', 0, 0)
    buffer.push(batch(0, ['a', 'b']), null)
    expect(read(buffer, 1)).toEqual(['0:a'])
    buffer.reset(0)
    expect(read(buffer)).toEqual([])
    buffer.push(batch(0, ['a', 'b']), null)
    expect(read(buffer)).toEqual(['0:a', '1:b'])
  })
})
