import { describe, expect, it } from 'vitest'
import { StorageError } from '../../../../src/log/log-error.ts'
import type { PartitionLog } from '../../../../src/log/partition-log.ts'
import { batchOf, LogHarness, valuesOf } from '../../../support/log/log-harness.ts'
import { until } from '../../../support/until.ts'

const settings = { compact: true, delete: false, segmentBytes: 1_000_000, compactionMinDirtyBytes: 1 }

async function filled(harness: LogHarness, codec: 'none' | 'gzip' = 'none'): Promise<PartitionLog> {
  const log = await harness.open()
  for (let i = 0; i < 12; i += 1)
    await log.append(batchOf([[`k${i % 3}`, `${i}`.padEnd(codec === 'none' ? 400_000 : 2_000_000, '.')]], { codec }))
  return log
}

describe('while a compaction takes long', () => {
  it('its partition is written and read', async () => {
    const harness = new LogHarness(settings)
    const log = await filled(harness)
    const gate = Promise.withResolvers<void>()
    let isHeld = false
    harness.fs.fault = ({ kind, path }) => {
      const isOutput = kind === 'sync' && path.endsWith('.cleaned')
      isHeld ||= isOutput
      harness.fs.syncGate = isOutput ? gate.promise : null
      return null
    }
    const compacted = log.compact()
    await until('the output waits for the disk', () => isHeld)
    const { logEndOffset } = log
    for (let i = 0; i < 20; i += 1) await log.append(batchOf([['k', `meanwhile ${i}`]]))
    expect(log.highWatermark).toBe(logEndOffset + 20)
    expect(valuesOf(log, logEndOffset)).toContain('meanwhile 19')
    gate.resolve()
    expect(await compacted).toBe(true)
    expect(valuesOf(log)).toContain('meanwhile 19')
    await log.close()
  })

  it('a sync that fails is recovered from without waiting for its end', async () => {
    const harness = new LogHarness(settings)
    const log = await filled(harness)
    let failed: Promise<unknown> = Promise.resolve()
    harness.fs.fault = ({ kind, path }) => {
      if (kind === 'create' && path.endsWith('.log.cleaned')) {
        harness.fs.fault = () => null
        harness.fs.failSyncs = ['EIO']
        failed = log.append(batchOf([['k', 'lost']])).catch((error: unknown) => error)
      }
      return null
    }
    const compacted = log.compact()
    await until('the compaction writes', () => harness.fs.failSyncs.length > 0 || log.failure !== null)
    expect(await failed).toBeInstanceOf(StorageError)
    harness.clock.advance(2000)
    await log.append(batchOf([['k', 'kept']]))
    expect(await compacted).toBe(false)
    expect(valuesOf(log)).toContain('kept')
    expect(await log.compact()).toBe(true)
    await log.close()
  })

  it('everything else gets its turn, also where small batches unpack to a lot', async () => {
    const harness = new LogHarness({ ...settings, segmentBytes: 20_000 })
    const log = await filled(harness, 'gzip')
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    expect(await log.compact()).toBe(true)
    isOver = true
    expect(turns).toBeGreaterThan(12)
    await log.close()
  })
})
