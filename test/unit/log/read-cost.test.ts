import { expect, it } from 'vitest'
import { batchOf, logDirectory, LogHarness, valuesOf } from '../../support/log/log-harness.ts'

const firstLog = `${logDirectory}/00000000000000000000.log`
const count = 2000

/** A log of one segment of some 200 KB. */
async function written() {
  const harness = new LogHarness({ indexIntervalBytes: 1000 })
  const log = await harness.open()
  for (let i = 0; i < count; i += 1) await log.append(batchOf([['key', `value ${i}`]]))
  return { harness, log }
}

/** Counts the reads of the `.log` file from now on. */
function readsOf({ fs }: LogHarness): { count: number } {
  const reads = { count: 0 }
  fs.fault = ({ kind, path }) => {
    if (kind === 'read' && path === firstLog) reads.count += 1
    return null
  }
  return reads
}

it.each([
  ['in memory', false],
  ['in memory and on the disk', true],
])('a read in the active segment does not scan from its beginning, with its index %s', async (_, isCheckpointed) => {
  const { harness, log } = await written()
  if (isCheckpointed) await log.checkpoint()
  for (let i = 0; i < count; i += 1) await log.append(batchOf([['key', `value ${i}`]]))
  const reads = readsOf(harness)
  expect(valuesOf(log, 2 * count - 3)).toHaveLength(3)
  expect(reads.count).toBeLessThan(6)
  expect(harness.logger.lines).toEqual([])
  await log.close()
})

it.each([0, 1])(
  'a start after a kill scans the batches after the checkpoint, not the whole segment: %d',
  async (more) => {
    const { harness, log } = await written()
    await log.checkpoint()
    for (let i = 0; i < more; i += 1) await log.append(batchOf([['key', 'last']]))
    harness.crash('keep')
    const reads = readsOf(harness)
    const again = await harness.open()
    expect([again.logEndOffset, harness.logger.lines]).toEqual([count + more, []])
    expect(reads.count).toBeLessThan(10)
    await again.close()
  },
)
