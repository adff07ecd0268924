import { describe, expect, it } from 'vitest'
import { decodeSnapshot, encodeSnapshot } from '../../../../src/log/producers/producer-snapshot.ts'
import { ProducerState } from '../../../../src/log/producers/producer-state.ts'
import {
  batchAttributes,
  writeBatchHeader,
  type BatchHeader,
} from '../../../../src/protocol/record-batch/record-batch.ts'
import { crc32c } from '../../../../src/protocol/record-batch/crc32c.ts'
import { batchOf, LogHarness, recordsOf } from '../../../support/log/log-harness.ts'
import { verifiedBatch } from '../../../../src/log/batch-check.ts'
import type { VerifiedBatch } from '../../../../src/protocol/record-batch/verified-batch.ts'

const producer = { producerId: 7, producerEpoch: 0 }
const nowMs = 1_700_000_000_000

function data(baseSequence: number, count = 1, epoch = 0): VerifiedBatch {
  const entries = Array.from({ length: count }, () => ['k', 'v'] as const)
  return batchOf(entries, { ...producer, producerEpoch: epoch, baseSequence })
}

function header(baseSequence: number, count = 1, epoch = 0): BatchHeader {
  return data(baseSequence, count, epoch).header
}

describe('an idempotent producer', () => {
  it('has each of its last five batches recognised, and its first offset returned', async () => {
    const log = await new LogHarness().open()
    for (let i = 0; i < 6; i += 1) await log.append(data(i * 2, 2))
    for (let i = 1; i < 6; i += 1) {
      await expect(log.append(data(i * 2, 2))).resolves.toMatchObject({ baseOffset: i * 2, isDuplicate: true })
    }
    await expect(log.append(data(0, 2))).rejects.toMatchObject({ errorCode: 45 })
    expect(recordsOf(log)).toHaveLength(12)
  })

  it('is refused when a sequence is missing, and when its epoch is old', async () => {
    const log = await new LogHarness().open()
    await log.append(data(0))
    await expect(log.append(data(2))).rejects.toMatchObject({ errorCode: 45, name: 'RejectedBatchError' })
    await expect(log.append(data(1, 1, 1))).rejects.toMatchObject({ errorCode: 45 })
    await log.append(data(0, 1, 1))
    await expect(log.append(data(1))).rejects.toMatchObject({ errorCode: 47 })
  })

  it('may begin with any sequence where it is not known', async () => {
    const log = await new LogHarness().open()
    await expect(log.append(data(500))).resolves.toMatchObject({ baseOffset: 0 })
  })

  it('continues from 0 after the last sequence', () => {
    const state = new ProducerState()
    state.noteBatch(header(0x7fff_fffe, 3), nowMs)
    expect(state.entries.get(7)?.batches[0]?.lastSequence).toBe(0)
    expect(() => state.check(header(1))).not.toThrow()
    expect(() => state.check(header(3))).toThrow('sequence 3 came, 1 comes next')
  })

  it('is remembered while it writes, however long ago it began', async () => {
    const harness = new LogHarness({ producerIdExpirationMs: 1000 })
    const log = await harness.open()
    for (let i = 0; i < 4; i += 1) {
      await log.append(data(i))
      harness.clock.advance(600)
      await log.applyRetention()
    }
    expect(log.producers.entries.size).toBe(1)
    await expect(log.append(data(3))).resolves.toMatchObject({ baseOffset: 3, isDuplicate: true })
  })

  it('is forgotten when it was idle for long', async () => {
    const harness = new LogHarness({ producerIdExpirationMs: 1000 })
    const log = await harness.open()
    await log.append(data(0))
    harness.clock.advance(999)
    await log.applyRetention()
    expect(log.producers.entries.size).toBe(1)
    harness.clock.advance(1)
    await log.applyRetention()
    expect(log.producers.entries.size).toBe(0)
  })

  it('is known again after a restart, through the snapshot: all that it may have had in flight', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    for (let i = 0; i < 6; i += 1) await log.append(data(i))
    await log.close()
    const again = await harness.open()
    for (let i = 1; i < 6; i += 1)
      await expect(again.append(data(i))).resolves.toMatchObject({ baseOffset: i, isDuplicate: true })
    await expect(again.append(data(0))).rejects.toMatchObject({ errorCode: 45 })
    await expect(again.append(data(7))).rejects.toMatchObject({ errorCode: 45 })
    await expect(again.append(data(6))).resolves.toMatchObject({ baseOffset: 6 })
  })

  it('is known again after a crash that follows a checkpoint in the middle of what it had in flight', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    for (let i = 0; i < 3; i += 1) await log.append(data(i))
    await log.checkpoint()
    for (let i = 3; i < 5; i += 1) await log.append(data(i))
    harness.crash('forget')
    const again = await harness.open()
    for (let i = 0; i < 5; i += 1)
      await expect(again.append(data(i))).resolves.toMatchObject({ baseOffset: i, isDuplicate: true })
    expect(recordsOf(again)).toHaveLength(5)
  })
})

describe('a snapshot', () => {
  it('holds every producer as it is', () => {
    const state = new ProducerState()
    state.noteBatch({ ...header(0x7fff_fffb, 3), baseOffset: 37, lastOffset: 39, maxTimestamp: nowMs - 9 }, nowMs)
    state.noteBatch({ ...header(0x7fff_fffe, 3), baseOffset: 40, lastOffset: 42 }, nowMs)
    state.noteBatch({ ...header(0), producerId: 8 }, nowMs)
    state.noteMarker({ ...header(0), producerId: 9 }, { commits: true, coordinatorEpoch: 3 }, nowMs)
    const restored = decodeSnapshot(encodeSnapshot(state))
    expect(restored?.entries).toEqual(state.entries)
    expect(restored?.entries.get(7)?.batches).toHaveLength(2)
  })

  it('of Kafka holds the last batch of a producer', () => {
    const state = new ProducerState()
    state.noteBatch({ ...header(4), lastOffset: 12 }, nowMs)
    // version · CRC · count · id, epoch, last sequence, last offset, delta, time, coordinator epoch, transaction
    const kafka =
      '0001' + '00000000' + '00000001' + '0000000000000007' + '0000' + '00000004' + '000000000000000c' + '00000000'
    const bytes = Buffer.from(`${kafka}${nowMs.toString(16).padStart(16, '0')}ffffffffffffffffffffffff`, 'hex')
    bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
    expect(decodeSnapshot(bytes)?.entries).toEqual(state.entries)
  })

  it('is not believed when a byte of it changed', () => {
    const bytes = encodeSnapshot(new ProducerState())
    bytes[7] = 1
    expect(decodeSnapshot(bytes)).toBeNull()
    expect(decodeSnapshot(Buffer.alloc(3))).toBeNull()
  })
})

/** A COMMIT (1) or ABORT (0) marker of the producer. */
function endMarker(type: 0 | 1, epoch = 0): VerifiedBatch {
  const record = Buffer.from([0x20, 0, 0, 0, 8, 0, 0, 0, type, 12, 0, 0, 0, 0, 0, 0, 0])
  const batch = Buffer.concat([Buffer.alloc(61), record])
  writeBatchHeader(batch, 0, batch.length, {
    baseOffset: 0,
    partitionLeaderEpoch: 0,
    attributes: batchAttributes({ isControl: true, isTransactional: true }),
    lastOffsetDelta: 0,
    baseTimestamp: nowMs,
    maxTimestamp: nowMs,
    producerId: 7,
    producerEpoch: epoch,
    baseSequence: -1,
    recordCount: 1,
  })
  return verifiedBatch(batch)
}

describe('a transaction', () => {
  const inTransaction = (baseSequence: number): VerifiedBatch =>
    batchOf([['k', 'v']], { ...producer, baseSequence, isTransactional: true })

  it('holds the last stable offset back until its marker, and is listed when it was aborted', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(batchOf([['k', 'before']]))
    await log.append(inTransaction(0))
    await log.append(batchOf([['k', 'beside']]))
    expect([log.highWatermark, log.lastStableOffset]).toEqual([3, 1])
    expect(recordsOf(log, 0, 1 << 20, 'read_committed')).toHaveLength(1)
    await log.append(endMarker(0), 'broker')
    expect(log.lastStableOffset).toBe(4)
    const expected = [{ producerId: 7, firstOffset: 1, lastOffset: 3, lastStableOffset: 4 }]
    const request = { offset: 0, maxBytes: 1 << 20, isolation: 'read_committed', minOneBatch: true } as const
    expect(log.read(request).abortedTransactions).toEqual(expected)
    expect(log.read({ ...request, isolation: 'read_uncommitted' }).abortedTransactions).toBeNull()
    harness.crash('forget')
    const again = await harness.open()
    expect(again.read(request).abortedTransactions).toEqual(expected)
    await again.close()
    expect((await harness.open()).read(request).abortedTransactions).toEqual(expected)
  })

  it('is listed beside all others that were aborted in the range of the read, and not beyond it', async () => {
    const log = await new LogHarness().open()
    for (let i = 0; i < 5; i += 1) {
      await log.append(inTransaction(i))
      await log.append(endMarker(0), 'broker')
    }
    const firstOffsets = (offset: number, maxBytes: number): unknown =>
      log
        .read({ offset, maxBytes, isolation: 'read_committed', minOneBatch: true })
        .abortedTransactions?.map(({ firstOffset }) => firstOffset)
    expect(firstOffsets(0, 1 << 20)).toEqual([0, 2, 4, 6, 8])
    expect(firstOffsets(3, 1 << 20)).toEqual([2, 4, 6, 8])
    expect(firstOffsets(4, 1)).toEqual([4])
  })

  it('is listed once after the recovery from a failed sync, which reads it again', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(inTransaction(0))
    await log.append(endMarker(0), 'broker')
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(data(1))).rejects.toThrow('a sync failed')
    harness.clock.advance(1000)
    await log.append(data(1))
    const request = { offset: 0, maxBytes: 1 << 20, isolation: 'read_committed', minOneBatch: true } as const
    expect(log.read(request).abortedTransactions).toHaveLength(1)
  })

  it('that begins at offset 0 is held back and listed from there, whatever follows in it', async () => {
    const log = await new LogHarness().open()
    await log.append(inTransaction(0))
    await log.append(inTransaction(1))
    expect([log.highWatermark, log.lastStableOffset]).toEqual([2, 0])
    await expect(log.append(data(2))).rejects.toMatchObject({ errorCode: 48 })
    await log.append(endMarker(0), 'broker')
    expect(log.lastStableOffset).toBe(3)
    const request = { offset: 0, maxBytes: 1 << 20, isolation: 'read_committed', minOneBatch: true } as const
    expect(log.read(request).abortedTransactions).toEqual([
      { producerId: 7, firstOffset: 0, lastOffset: 2, lastStableOffset: 3 },
    ])
  })

  it('is not found by time by readers of committed records while it is open', async () => {
    const log = await new LogHarness().open()
    await log.append(batchOf([['k', 'before', nowMs]]))
    await log.append(batchOf([['k', 'v', nowMs + 5]], { ...producer, baseSequence: 0, isTransactional: true }))
    expect(log.offsetForTimestamp(nowMs + 5, 'read_committed')).toBeNull()
    expect(log.offsetForTimestamp(nowMs + 5, 'read_uncommitted')).toMatchObject({ offset: 1 })
    await log.append(endMarker(1), 'broker')
    expect(log.offsetForTimestamp(nowMs + 5, 'read_committed')).toMatchObject({ offset: 1 })
  })

  it('is not listed as aborted for a marker that was cut off: it may be committed all the same', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(inTransaction(0))
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(endMarker(0), 'broker')).rejects.toThrow('a sync failed')
    harness.clock.advance(1000)
    await log.append(endMarker(1), 'broker')
    expect(log.lastStableOffset).toBe(2)
    const request = { offset: 0, maxBytes: 1 << 20, isolation: 'read_committed', minOneBatch: true } as const
    expect(log.read(request).abortedTransactions).toEqual([])
  })

  it('never moves the last stable offset back, also when its marker is cut off (I6)', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    const shown: number[] = []
    harness.fs.onOperation = () => shown.push(log.lastStableOffset)
    await log.append(batchOf([['k', 'before']]))
    await log.append(inTransaction(0))
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(endMarker(1), 'broker')).rejects.toThrow('a sync failed')
    harness.clock.advance(1000)
    await log.append(endMarker(1), 'broker')
    shown.push(log.lastStableOffset)
    expect(shown).toEqual(shown.toSorted((a, b) => a - b))
    expect(shown.slice(-2)).toEqual([1, 3])
  })

  it('that was committed is not listed, and one that is open stays open over a restart', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(inTransaction(0))
    await log.append(endMarker(1), 'broker')
    await log.append(inTransaction(1))
    expect(log.lastStableOffset).toBe(2)
    await log.close()
    const again = await harness.open()
    expect(again.lastStableOffset).toBe(2)
    const answer = again.read({ offset: 0, maxBytes: 1 << 20, isolation: 'read_committed', minOneBatch: true })
    expect([answer.nextOffset, answer.abortedTransactions]).toEqual([2, []])
    await expect(again.append(data(2))).rejects.toMatchObject({ errorCode: 48 })
  })

  it('may be ended by the broker only', async () => {
    const log = await new LogHarness().open()
    await expect(log.append(endMarker(1))).rejects.toMatchObject({ errorCode: 87 })
  })
})
