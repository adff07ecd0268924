import { describe, expect, it } from 'vitest'
import { readBatchHeader } from '../../../../src/protocol/record-batch/record-batch.ts'
import type { Codec } from '../../../../src/protocol/record-batch/record-batch.ts'
import type { PartitionLog } from '../../../../src/log/partition-log.ts'
import { batchOf, logDirectory, LogHarness, recordsOf, type Entry } from '../../../support/log/log-harness.ts'

const settings = {
  compact: true,
  delete: false,
  segmentBytes: 1000,
  compactionMinDirtyBytes: 1,
  indexIntervalBytes: 100,
}

/** What a reader from the head knows in the end. */
function fold(log: PartitionLog): Record<string, string> {
  const state: Record<string, string> = {}
  for (const { key, value } of recordsOf(log)) {
    if (value === null) delete state[String(key)]
    else state[String(key)] = value.toString()
  }
  return state
}

describe('compaction', () => {
  it('keeps 10,000 status updates in bounded space, with the same fold', async () => {
    const harness = new LogHarness({ compact: true, delete: false })
    const log = await harness.open()
    let largest = 0
    for (let i = 0; i < 10_000; i += 1) {
      await log.append(
        batchOf([[`status-task-${i % 10}`, JSON.stringify({ state: 'RUNNING', trace: 'x'.repeat(200), i })]]),
      )
      if (i % 1000 === 999) await log.compact()
      largest = Math.max(largest, log.sizeInBytes)
    }
    const before = fold(log)
    expect(largest).toBeLessThan(1.5 * 1024 * 1024)
    expect(Object.keys(before)).toHaveLength(10)
    await log.close()
    const again = await harness.open()
    expect([fold(again), again.logEndOffset]).toEqual([before, 10_000])
    await again.close()
  })

  it('leaves offsets, batch ends and timestamps as they are', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    await log.append(
      batchOf([
        ['a', '1', 5],
        ['b', '1', 6],
        ['a', '2', 7],
      ]),
    )
    await log.append(
      batchOf([
        ['c', '1', 8],
        ['b', '2', 9],
      ]),
    )
    await expect(log.compact()).resolves.toBe(true)
    expect(recordsOf(log).map((r) => [r.offset, String(r.key), String(r.value), r.timestamp])).toEqual([
      [2, 'a', '2', 7],
      [3, 'c', '1', 8],
      [4, 'b', '2', 9],
    ])
    const { batches, nextOffset } = log.read({
      offset: 0,
      maxBytes: 1,
      isolation: 'read_uncommitted',
      minOneBatch: true,
    })
    expect(readBatchHeader(batches)).toMatchObject({ baseOffset: 0, lastOffsetDelta: 2, recordCount: 1 })
    expect([nextOffset, log.logStartOffset, log.logEndOffset]).toEqual([3, 0, 5])
    expect(log.offsetForTimestamp(6)).toEqual({ offset: 2, timestamp: 7 })
    await log.close()
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as Codec[])('opens and packs %s batches', async (codec) => {
    const log = await new LogHarness(settings).open()
    const entries = Array.from({ length: 50 }, (_, i): Entry => [`k${i % 5}`, `${i}`])
    await log.append(batchOf(entries, { codec }))
    await log.compact()
    expect(fold(log)).toEqual({ k0: '45', k1: '46', k2: '47', k3: '48', k4: '49' })
    expect(recordsOf(log)).toHaveLength(5)
  })

  it('keeps a tombstone for delete.retention.ms after the first round that met it', async () => {
    const harness = new LogHarness({ ...settings, deleteRetentionMs: 1000, minCleanableDirtyRatio: 0 })
    const log = await harness.open()
    await log.append(
      batchOf([
        ['a', '1', 5],
        ['a', null, 5_000_000],
      ]),
    )
    await log.append(batchOf([['b', '1', 6]]))
    await log.compact()
    expect(recordsOf(log).map((r) => [String(r.key), r.value === null, r.timestamp])).toEqual([
      ['a', true, 5_000_000],
      ['b', false, 6],
    ])
    harness.clock.advance(1000)
    await log.append(batchOf([['c', '1']]))
    await log.compact()
    expect(recordsOf(log).map((r) => String(r.key))).toEqual(['b', 'c'])
    await log.close()
  })

  it('keeps the last record of the range, whatever it is, so that readers reach the end', async () => {
    const harness = new LogHarness({ ...settings, deleteRetentionMs: 0, minCleanableDirtyRatio: 0 })
    const log = await harness.open()
    await log.append(batchOf([['a', '1']]))
    await log.append(batchOf([['a', null]]))
    await log.compact()
    harness.clock.advance(10)
    await log.compact()
    expect(recordsOf(log).map((r) => r.offset)).toEqual([1])
    await log.close()
  })

  it('does not touch the active segment, young records, or a log that is clean enough', async () => {
    const harness = new LogHarness({ ...settings, minCompactionLagMs: 1000 })
    const log = await harness.open()
    for (let i = 0; i < 5; i += 1) await log.append(batchOf([['a', `${i}`, harness.clock.now()]]))
    await expect(log.compact()).resolves.toBe(false)
    harness.clock.advance(1001)
    await expect(log.compact()).resolves.toBe(true)
    await expect(log.compact()).resolves.toBe(false)
    await log.close()
  })

  it('merges what became small', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    for (let i = 0; i < 200; i += 1) await log.append(batchOf([[`k${i % 3}`, `${i}`]]))
    const before = harness.fs.list(logDirectory).filter((name) => name.endsWith('.log')).length
    await log.compact()
    await log.append(batchOf([['k0', 'last']]))
    await log.compact()
    for (let i = 0; i < 60; i += 1) await log.append(batchOf([['k1', `${i}`]]))
    await log.compact()
    const after = harness.fs.list(logDirectory).filter((name) => name.endsWith('.log')).length
    expect([before > 10, after < 8]).toEqual([true, true])
    expect(fold(log)).toEqual({ k0: 'last', k1: '59', k2: '197' })
    await log.close()
  })

  it('merges all neighbours that became small, not the first ones alone', async () => {
    const harness = new LogHarness({ ...settings, minCleanableDirtyRatio: 0 })
    const log = await harness.open()
    for (let i = 0; i < 300; i += 1) await log.append(batchOf([[i % 3 === 0 ? `unique-${i}` : 'often', `${i}`]]))
    const count = (): number => harness.fs.list(logDirectory).filter((name) => name.endsWith('.log')).length
    await log.compact()
    const once = count()
    await log.append(batchOf([['often', 'last']]))
    await log.compact()
    expect(once).toBeGreaterThan(15)
    expect(count()).toBeLessThan(once / 2)
    expect(Object.keys(fold(log))).toHaveLength(101)
    await log.close()
  })

  it('drops records without a key, which a log has from before it was compacted', async () => {
    const harness = new LogHarness({ ...settings, compact: false })
    const log = await harness.open()
    await log.append(
      batchOf([
        [null, 'without'],
        ['a', '1'],
      ]),
    )
    log.updateConfig({ ...harness.config, compact: true })
    await log.append(batchOf([['b', '1']]))
    await expect(log.compact()).resolves.toBe(true)
    expect(recordsOf(log).map(({ key }) => String(key))).toEqual(['a', 'b'])
    await log.close()
  })

  it('refuses records without a key', async () => {
    const log = await new LogHarness(settings).open()
    await expect(log.append(batchOf([[null, 'v']]))).rejects.toMatchObject({ errorCode: 87 })
    await expect(log.append(batchOf([[null, 'v']], { codec: 'gzip' }))).rejects.toMatchObject({ errorCode: 87 })
  })

  it('leaves the log as it was when a batch turns out to be damaged', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    for (let i = 0; i < 5; i += 1) await log.append(batchOf([['a', `${i}`]]))
    await log.close()
    harness.fs.corrupt(`${logDirectory}/00000000000000000000.log`, 66)
    const again = await harness.open()
    await expect(again.compact()).rejects.toThrow('is damaged')
    expect(harness.fs.list(logDirectory).some((name) => name.endsWith('.cleaned'))).toBe(false)
    await again.close()
  })

  it('leaves no output on the disk when the plan of the swap cannot be written', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    for (let i = 0; i < 40; i += 1) await log.append(batchOf([[`k${i % 7}`, `${i}`]]))
    const before = fold(log)
    const isOutput = (name: string): boolean => name.endsWith('.cleaned')
    let written = 0
    harness.fs.fault = ({ kind, path }) => {
      if (kind !== 'create' || !path.includes('compaction-swap')) return null
      written = harness.fs.list(logDirectory).filter(isOutput).length
      return { code: 'ENOSPC' }
    }
    await expect(log.compact()).rejects.toThrow('ENOSPC')
    expect([written > 0, harness.fs.list(logDirectory).filter(isOutput)]).toEqual([true, []])
    expect(fold(log)).toEqual(before)
    await log.close()
  })

  it('can be read while it is in progress', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    for (let i = 0; i < 100; i += 1) await log.append(batchOf([[`k${i % 3}`, `${i}`]]))
    const expected = fold(log)
    let reads = 0
    harness.fs.onOperation = () => {
      reads += 1
      expect(fold(log)).toEqual(expected)
    }
    await log.compact()
    expect(reads).toBeGreaterThan(10)
    expect(recordsOf(log)).toHaveLength(3)
  })

  it('ends early when the log closes, and leaves it whole', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    for (let i = 0; i < 100; i += 1) await log.append(batchOf([[`k${i % 3}`, `${i}`]]))
    const expected = fold(log)
    const closing: Promise<void>[] = []
    harness.fs.onOperation = (name) => {
      if (name === 'create' && closing.length === 0) closing.push(log.close())
    }
    await expect(log.compact()).resolves.toBe(false)
    await Promise.all(closing)
    expect(closing).toHaveLength(1)
    const again = await harness.open()
    expect([fold(again), again.logEndOffset]).toEqual([expected, 100])
    expect(harness.fs.list(logDirectory).some((name) => name.endsWith('.cleaned'))).toBe(false)
    await again.close()
  })

  it('does not follow a plan that is damaged, and says so', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    for (let i = 0; i < 40; i += 1) await log.append(batchOf([[`k${i % 7}`, `${i}`]]))
    const before = fold(log)
    await log.close()
    const plan = harness.fs.open(`${logDirectory}/compaction-swap`, 'create')
    plan.write(Buffer.from('version 0\n0\n14\nchecksum 1\n'), 0)
    plan.close()
    const again = await harness.open()
    expect(fold(again)).toEqual(before)
    const [line] = harness.logger.lines
    expect([line?.level, line?.message]).toEqual([
      'error',
      'the plan of a compaction is damaged; the segments stay as they are',
    ])
    expect(harness.fs.exists(`${logDirectory}/compaction-swap`)).toBe(false)
  })

  it('is whole for readers and for the next start when the disk fails at any step', async () => {
    let failed = 0
    for (let step = 0; step < 60; step += 1) {
      const harness = new LogHarness(settings)
      const log = await harness.open()
      for (let i = 0; i < 40; i += 1) await log.append(batchOf([[`k${i % 7}`, `${i}`]]))
      await log.checkpoint()
      const before = fold(log)
      let left = step
      harness.fs.fault = ({ kind }) => {
        if (kind === 'read' || kind === 'open') return null
        left -= 1
        return left === -1 || left === -2 ? { code: 'ENOSPC' } : null
      }
      await log.compact().catch(() => (failed += 1))
      harness.fs.fault = () => null
      harness.clock.advance(1000)
      await log.append(batchOf([['last', `${step}`]]))
      const after = { ...before, last: `${step}` }
      for (const next of ['read', 'compact']) {
        if (next === 'compact') await log.compact()
        for (const _ of [1, 2]) await log.checkpoint() // Closes the files that no one read since the last one.
        expect([step, fold(log)]).toEqual([step, after])
      }
      harness.crash('keep')
      const again = await harness.open()
      expect([step, fold(again), again.logEndOffset]).toEqual([step, after, 41])
      await again.compact()
      expect([step, fold(again)]).toEqual([step, after])
    }
    expect(failed).toBeGreaterThan(30)
  })

  it('leaves either the old segments or the new one when the power fails at any step', async () => {
    const steps = { count: 0 }
    for (let crashAt = 1; crashAt === 1 || crashAt <= steps.count; crashAt += 1) {
      for (const unsynced of ['forget', 'some', 'keep'] as const) {
        const harness = new LogHarness({ ...settings, segmentBytes: 500 })
        const log = await harness.open()
        for (let i = 0; i < 30; i += 1) await log.append(batchOf([[`k${i % 3}`, `${i}`]]))
        await log.checkpoint()
        const expected = fold(log)
        let disk = harness.fs
        let at = 0
        const { fs } = harness
        fs.onOperation = () => {
          at += 1
          if (at === crashAt) disk = fs.crash({ unsynced, random: () => 0.5 })
        }
        await log.compact()
        steps.count = at
        fs.onOperation = () => undefined
        const reborn = new LogHarness(harness.config, disk, harness.clock)
        const again = await reborn.open()
        expect([fold(again), again.logEndOffset], `crash before step ${crashAt}, ${unsynced}`).toEqual([expected, 30])
        await again.compact()
        expect(fold(again)).toEqual(expected)
        await again.close()
      }
    }
    expect(steps.count).toBeGreaterThan(20)
  })
})
