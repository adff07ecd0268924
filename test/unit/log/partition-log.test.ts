import { describe, expect, it } from 'vitest'
import { StorageError } from '../../../src/log/log-error.ts'
import { deferred } from '../../../src/foundation/async/deferred.ts'
import { batchOf, logDirectory, LogHarness, recordsOf, valuesOf } from '../../support/log/log-harness.ts'
import type { VerifiedBatch } from '../../../src/protocol/record-batch/verified-batch.ts'

const one = (value: string, timestampMs?: number): VerifiedBatch =>
  batchOf([['k', value, timestampMs ?? 1_700_000_000_000]])

describe('appending', () => {
  it('gives consecutive offsets and hands the same bytes back', async () => {
    const log = await new LogHarness().open()
    const batch = batchOf([
      ['a', '1'],
      ['b', '2'],
    ])
    await expect(log.append(batch)).resolves.toMatchObject({ baseOffset: 0, lastOffset: 1, logAppendTime: -1 })
    await expect(log.append(one('3'))).resolves.toMatchObject({ baseOffset: 2 })
    const answer = log.read({
      offset: 0,
      maxBytes: batch.bytes.length,
      isolation: 'read_uncommitted',
      minOneBatch: false,
    })
    expect(answer.batches).toEqual(batch.bytes)
    expect(answer).toMatchObject({ nextOffset: 2, highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 })
    expect(recordsOf(log).map((record) => record.offset)).toEqual([0, 1, 2])
    await log.close()
  })

  it('shows and acknowledges nothing before it is synced (I1)', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    const gate = deferred<void>()
    harness.fs.syncGate = gate.promise
    let isAcknowledged = false
    const appended = log.append(one('1')).then(() => (isAcknowledged = true))
    await Promise.resolve()
    expect([isAcknowledged, log.highWatermark, log.logEndOffset, valuesOf(log)]).toEqual([false, 0, 1, []])
    gate.resolve()
    await appended
    expect([log.highWatermark, valuesOf(log)]).toEqual([1, ['1']])
    await log.close()
  })

  it('shares one sync among all that arrive while another is in progress', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(one('0'))
    const before = harness.fs.syncs.length
    const gate = deferred<void>()
    harness.fs.syncGate = gate.promise
    const first = log.append(one('1'))
    await Promise.resolve()
    await Promise.resolve()
    const rest = Array.from({ length: 50 }, (_, i) => log.append(one(`${i + 2}`)))
    gate.resolve()
    await Promise.all([first, ...rest])
    expect(harness.fs.syncs.length - before).toBe(2)
    await log.close()
  })

  it('tells listeners when the high watermark rises, and when it closes', async () => {
    const log = await new LogHarness().open()
    const seen: number[] = []
    const stop = log.onAdvance(() => seen.push(log.highWatermark))
    await log.append(one('1'))
    await log.append(one('2'))
    stop()
    await log.append(one('3'))
    expect(seen).toEqual([1, 2])
    let told = 0
    log.onAdvance(() => (told += 1))
    await log.close()
    expect(told).toBe(1)
    await expect(log.append(one('4'))).rejects.toThrow(StorageError)
  })

  it('stamps the time of the broker where the topic says so', async () => {
    const harness = new LogHarness({ timestampType: 1 })
    const log = await harness.open()
    await expect(log.append(one('1', 5))).resolves.toMatchObject({ logAppendTime: harness.clock.now() })
    expect(recordsOf(log)[0]?.timestamp).toBe(harness.clock.now())
    await log.close()
  })
})

describe('segments', () => {
  it('rolls by size and reads across them, whole batches only', async () => {
    const harness = new LogHarness({ segmentBytes: 300, indexIntervalBytes: 100 })
    const log = await harness.open()
    for (let i = 0; i < 20; i += 1) await log.append(one(`value-${i}`))
    const logs = harness.fs.list(logDirectory).filter((name) => name.endsWith('.log'))
    expect(logs.length).toBeGreaterThan(5)
    const expected = Array.from({ length: 20 }, (_, i) => `value-${i}`)
    expect(valuesOf(log)).toEqual(expected)
    expect(valuesOf(log, 0, 1)).toEqual(expected)
    expect(valuesOf(log, 7, 200)).toEqual(expected.slice(7))
    await log.close()
    const again = await harness.open()
    expect(valuesOf(again)).toEqual(expected)
    await again.close()
  })

  it('holds no files open of old segments that no one reads', async () => {
    const harness = new LogHarness({ segmentBytes: 100 })
    const log = await harness.open()
    for (let i = 0; i < 10; i += 1) await log.append(one(`${i}`))
    valuesOf(log)
    expect(harness.fs.openFiles).toBeGreaterThanOrEqual(10)
    await log.checkpoint()
    await log.checkpoint()
    expect(harness.fs.openFiles).toBeLessThan(5)
    expect(valuesOf(log)).toHaveLength(10)
    await log.close()
    expect(harness.fs.openFiles).toBe(0)
  })

  it('rolls by time', async () => {
    const harness = new LogHarness({ segmentMs: 1000 })
    const log = await harness.open()
    await log.append(one('1', 1_700_000_000_000))
    await log.append(one('2', 1_700_000_001_000))
    await log.append(one('3', 1_700_000_001_001))
    expect(harness.fs.list(logDirectory).filter((name) => name.endsWith('.log'))).toHaveLength(2)
    await log.close()
  })

  it('finds records by time', async () => {
    const log = await new LogHarness({ segmentBytes: 400, indexIntervalBytes: 50 }).open()
    const start = 1_700_000_000_000
    for (let i = 0; i < 30; i += 1) {
      await log.append(
        batchOf([
          ['k', `${i}`, start + i * 20],
          ['k', `${i}b`, start + i * 20 + 10],
        ]),
      )
    }
    for (const i of [0, 1, 7, 30, 59]) {
      expect(log.offsetForTimestamp(start + i * 10)).toEqual({ offset: i, timestamp: start + i * 10 })
      expect(log.offsetForTimestamp(start + i * 10 - 9)).toEqual({ offset: i, timestamp: start + i * 10 })
    }
    expect(log.offsetForTimestamp(start + 591)).toBeNull()
    expect(log.offsetOfMaxTimestamp()).toEqual({ offset: 59, timestamp: start + 590 })
    await log.close()
  })

  it('finds the largest time of what is visible while younger batches are being synced', async () => {
    const harness = new LogHarness({ indexIntervalBytes: 100 })
    const log = await harness.open()
    for (let i = 0; i < 20; i += 1) await log.append(batchOf([['k', `v${i}`, 1000 + i]]))
    const gate = deferred<void>()
    harness.fs.syncGate = gate.promise
    const appended = [2000, 3000].map((timestamp) => log.append(batchOf([['k', 'young', timestamp]])))
    expect([log.highWatermark, log.logEndOffset]).toEqual([20, 22])
    expect(log.offsetOfMaxTimestamp()).toEqual({ timestamp: 1019, offset: 19 })
    gate.resolve()
    await Promise.all(appended)
    expect(log.offsetOfMaxTimestamp()).toEqual({ timestamp: 3000, offset: 21 })
    await log.close()
  })

  it('finds the largest time of what is left when the log starts within a segment or a batch', async () => {
    const log = await new LogHarness().open()
    await log.append(batchOf([['k', 'a', 5000]]))
    await log.append(
      batchOf([
        ['k', 'b', 4000],
        ['k', 'c', 3000],
      ]),
    )
    await log.append(batchOf([['k', 'd', 1000]]))
    await log.advanceLogStart(1)
    expect(log.offsetOfMaxTimestamp()).toEqual({ timestamp: 4000, offset: 1 })
    await log.advanceLogStart(2)
    expect(log.offsetOfMaxTimestamp()).toEqual({ timestamp: 3000, offset: 2 })
    await log.advanceLogStart(3)
    expect(log.offsetOfMaxTimestamp()).toEqual({ timestamp: 1000, offset: 3 })
    await log.advanceLogStart(4)
    expect(log.offsetOfMaxTimestamp()).toBeNull()
    await log.close()
  })
})
