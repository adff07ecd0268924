import { describe, expect, it } from 'vitest'
import { OffsetOutOfRangeError } from '../../../../src/log/log-error.ts'
import { batchOf, logDirectory, LogHarness, valuesOf } from '../../../support/log/log-harness.ts'
import type { VerifiedBatch } from '../../../../src/protocol/record-batch/verified-batch.ts'

const one = (value: string, timestampMs: number): VerifiedBatch => batchOf([['k', value, timestampMs]])

async function filled(harness: LogHarness, count: number): ReturnType<LogHarness['open']> {
  const log = await harness.open()
  for (let i = 0; i < count; i += 1) {
    await log.append(one(`${i}`, harness.clock.now()))
    harness.clock.advance(1000)
  }
  return log
}

describe('retention', () => {
  it('deletes whole segments whose youngest record is too old', async () => {
    const harness = new LogHarness({ segmentBytes: 140, retentionMs: 4500 })
    const log = await filled(harness, 10)
    await expect(log.applyRetention()).resolves.toBe(3)
    expect([log.logStartOffset, valuesOf(log)]).toEqual([6, ['6', '7', '8', '9']])
    await log.close()
    expect((await harness.open()).logStartOffset).toBe(6)
  })

  it('deletes the oldest segments beyond retention.bytes', async () => {
    const log = await filled(new LogHarness({ segmentBytes: 140, retentionBytes: 300 }), 10)
    await log.applyRetention()
    expect(log.sizeInBytes).toBeGreaterThanOrEqual(300)
    expect(log.sizeInBytes).toBeLessThan(300 + 140)
    expect(valuesOf(log).at(-1)).toBe('9')
  })

  it('frees a full disk', async () => {
    const harness = new LogHarness({ segmentBytes: 140, retentionMs: 5000 })
    const log = await filled(harness, 10)
    harness.clock.advance(10_000)
    harness.fs.capacity = harness.fs.usedBytes
    await expect(log.applyRetention()).resolves.toBe(5)
    expect([log.logStartOffset, log.sizeInBytes]).toEqual([10, 0])
    await log.close()
    const again = await harness.open()
    expect([again.logStartOffset, harness.logger.lines.filter(({ level }) => level === 'error')]).toEqual([10, []])
  })

  it('leaves a producer that continues when its last batches are deleted before a crash', async () => {
    const harness = new LogHarness({ retentionMs: 1000 })
    const log = await harness.open()
    const batch = (baseSequence: number): VerifiedBatch =>
      batchOf([['k', 'v', harness.clock.now()]], { producerId: 7, producerEpoch: 0, baseSequence })
    await log.append(batch(0))
    await log.checkpoint()
    await log.append(batch(1))
    harness.clock.advance(2000)
    await expect(log.applyRetention()).resolves.toBe(1)
    harness.crash('keep')
    const again = await harness.open()
    await expect(again.append(batch(2))).resolves.toMatchObject({ baseOffset: 2, isDuplicate: false })
  })

  it('empties a log of which everything is too old, and continues with its offsets', async () => {
    const harness = new LogHarness({ retentionMs: 5000 })
    const log = await filled(harness, 3)
    harness.clock.advance(10_000)
    await log.applyRetention()
    expect([log.logStartOffset, log.logEndOffset, log.sizeInBytes]).toEqual([3, 3, 0])
    await expect(log.append(one('3', harness.clock.now()))).resolves.toMatchObject({ baseOffset: 3 })
    await log.close()
    expect(valuesOf(await harness.open())).toEqual(['3'])
  })

  it('keeps everything of a topic that is compacted only', async () => {
    const harness = new LogHarness({ segmentBytes: 140, retentionMs: 1, delete: false, compact: true })
    const log = await filled(harness, 5)
    await expect(log.applyRetention()).resolves.toBe(0)
    expect(log.logStartOffset).toBe(0)
  })
})

describe('advancing the log start', () => {
  it('hides records immediately, deletes segments below it, and survives a loss of power', async () => {
    const harness = new LogHarness({ segmentBytes: 140 })
    const log = await filled(harness, 10)
    await log.advanceLogStart(5)
    expect([log.logStartOffset, valuesOf(log)]).toEqual([5, ['5', '6', '7', '8', '9']])
    expect(harness.fs.list(logDirectory).filter((name) => name.endsWith('.log'))).toHaveLength(3)
    await log.advanceLogStart(3)
    expect(log.logStartOffset).toBe(5)
    harness.crash('forget')
    expect((await harness.open()).logStartOffset).toBe(5)
  })

  it('succeeds when the files cannot be removed, which the next retention does', async () => {
    const harness = new LogHarness({ segmentBytes: 140 })
    const log = await filled(harness, 10)
    await log.checkpoint()
    harness.fs.fault = ({ kind }) => (kind === 'remove' ? { code: 'EIO' } : null)
    await log.advanceLogStart(5)
    expect([log.logStartOffset, valuesOf(log)[0]]).toEqual([5, '5'])
    expect(harness.logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: 'could not remove files of deleted records' },
    ])
    harness.fs.fault = () => null
    await expect(log.applyRetention()).resolves.toBe(2)
    expect(harness.fs.list(logDirectory).filter((name) => name.endsWith('.log'))).toHaveLength(3)
  })

  it('goes no further than the high watermark', async () => {
    const log = await filled(new LogHarness(), 2)
    await expect(log.advanceLogStart(3)).rejects.toThrow(OffsetOutOfRangeError)
    await log.advanceLogStart(2)
    expect(valuesOf(log)).toEqual([])
  })
})

describe('an offset outside the log', () => {
  it('is refused with the bounds', async () => {
    const harness = new LogHarness({ segmentBytes: 140 })
    const log = await filled(harness, 4)
    await log.advanceLogStart(2)
    const request = { maxBytes: 100, isolation: 'read_uncommitted', minOneBatch: true } as const
    expect(() => log.read({ ...request, offset: 1 })).toThrow('offset 1 is outside the log, which holds 2 to 3')
    expect(() => log.read({ ...request, offset: 5 })).toThrow(OffsetOutOfRangeError)
    expect(log.read({ ...request, offset: 4 }).batches).toHaveLength(0)
  })
})
