import { describe, expect, it } from 'vitest'
import type { PartitionLog } from '../../../../src/log/partition-log.ts'
import { batchHeaderSize } from '../../../../src/protocol/record-batch/record-batch.ts'
import { crc32c } from '../../../../src/protocol/record-batch/crc32c.ts'
import { batchOf, bytesOf, logDirectory, LogHarness, recordsOf } from '../../../support/log/log-harness.ts'
import type { VerifiedBatch } from '../../../../src/protocol/record-batch/verified-batch.ts'
import { verifiedBatch } from '../../../../src/log/batch-check.ts'

const quarterMinuteMs = 15_000
const settings = { compact: true, delete: false, compactionMinDirtyBytes: 10_000 }

function segmentsOf(harness: LogHarness): number {
  return harness.fs.list(logDirectory).filter((name) => name.endsWith('.log')).length
}

async function fill(harness: LogHarness, log: PartitionLog): Promise<void> {
  const value = 'x'.repeat(1000)
  for (let i = 0; i < 20; i += 1) await log.append(batchOf([[`k${i}`, value, harness.clock.now()]]))
}

/** An hour in which a little is written, and compaction runs every 15 s. @returns the segments at its end, and failures. */
async function anHourOf(harness: LogHarness, log: PartitionLog): Promise<{ segments: number; failures: number }> {
  let failures = 0
  for (let round = 0; round < 240; round += 1) {
    harness.clock.advance(quarterMinuteMs)
    await log.append(batchOf([['k', `${round}`, harness.clock.now()]]))
    await log.compact().catch(() => {
      failures += 1
    })
  }
  return { segments: segmentsOf(harness), failures }
}

/** A batch whose records do not unpack, with a CRC that fits: no one looks into it before it is read. */
function unreadableBatch(): VerifiedBatch {
  const batch = bytesOf([['k1', 'v'.repeat(100)]], { codec: 'zstd' })
  batch.fill(7, batchHeaderSize)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return verifiedBatch(batch)
}

describe('compaction begins no segment', () => {
  it('while the records are younger than min.compaction.lag.ms', async () => {
    const harness = new LogHarness({ ...settings, minCompactionLagMs: 86_400_000 })
    const log = await harness.open()
    await fill(harness, log)
    expect(await anHourOf(harness, log)).toEqual({ segments: 1, failures: 0 })
    await log.close()
  })

  it('while a transaction is open', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    const open = { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    await log.append(batchOf([['k', 'undecided', harness.clock.now()]], open))
    await fill(harness, log)
    expect(await anHourOf(harness, log)).toEqual({ segments: 1, failures: 0 })
    await log.close()
  })

  it('while it fails at a damaged batch, at which it looks again after an hour', async () => {
    const harness = new LogHarness(settings)
    const log = await harness.open()
    await fill(harness, log)
    harness.fs.corrupt(`${logDirectory}/00000000000000000000.log`, 80)
    expect(await anHourOf(harness, log)).toEqual({ segments: 2, failures: 1 })
    await fill(harness, log)
    expect(await anHourOf(harness, log)).toEqual({ segments: 2, failures: 1 })
    await log.close()
  })
})

describe('a batch that cannot be decoded', () => {
  it('stays as it is, and the records around it are compacted', async () => {
    const harness = new LogHarness({ ...settings, segmentBytes: 2000, compactionMinDirtyBytes: 1 })
    const log = await harness.open()
    await log.append(batchOf([['k1', 'before', 1]]))
    harness.config = { ...harness.config, compact: false }
    log.updateConfig(harness.config)
    const unreadable = unreadableBatch()
    await log.append(unreadable)
    log.updateConfig({ ...harness.config, compact: true })
    for (let i = 0; i < 40; i += 1) await log.append(batchOf([['k', `value ${i} `.repeat(20), i]]))
    await expect(log.compact()).resolves.toBe(true)
    const answer = log.read({ offset: 1, maxBytes: 1, isolation: 'read_uncommitted', minOneBatch: true })
    expect(answer.batches.subarray(0, unreadable.bytes.length).equals(unreadable.bytes)).toBe(true)
    // No one knows what the batch replaces: the older record of its key stays.
    expect(log.read({ offset: 0, maxBytes: 1, isolation: 'read_uncommitted', minOneBatch: true }).nextOffset).toBe(1)
    expect(recordsOf(log, 2).length).toBeLessThan(20)
    expect(harness.logger.lines.map(({ message }) => message)).toContain(
      'batches cannot be decoded; compaction keeps them as they are',
    )
    await log.close()
  })
})
