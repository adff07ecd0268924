import { describe, expect, it } from 'vitest'
import { batchOf, logDirectory, LogHarness, valuesOf } from '../../support/log/log-harness.ts'

const firstLog = `${logDirectory}/00000000000000000000.log`

/** A log that is in use, with a batch of two records for each pair of values. */
async function inUse(...pairs: readonly (readonly [string, string])[]) {
  const harness = new LogHarness()
  const log = await harness.open()
  for (const [one, two] of pairs) {
    await log.append(
      batchOf([
        ['k', one],
        ['k', two],
      ]),
    )
  }
  return { harness, log }
}

describe('a segment that is damaged while its log is in use', () => {
  it('fails a read of a batch whose end is missing: a reader that is given nothing would wait for it indefinitely', async () => {
    const { harness, log } = await inUse(['0', '1'], ['2', '3'])
    const size = harness.fs.sizeOf(firstLog)
    harness.fs.open(firstLog, 'existing').truncate(size - 1)
    expect(() => valuesOf(log, 2)).toThrow(`is damaged at byte ${size / 2}`)
    expect(() => valuesOf(log, 0)).toThrow(`is damaged at byte ${size / 2}`)
  })

  it('fails a read of a batch whose offsets pass the end of the segment by one', async () => {
    const { harness, log } = await inUse(['0', '1'])
    // No CRC covers the base offset, the first eight bytes of a batch.
    harness.fs.open(firstLog, 'existing').write(Buffer.from([1]), 7)
    expect(() => valuesOf(log, 1)).toThrow('is damaged at byte 0: OFFSETS_NOT_IN_SEQUENCE')
  })
})

describe('a batch before one that is out of sequence', () => {
  it('is read: only the next one fails', async () => {
    const { harness, log } = await inUse(['0', '1'], ['2', '3'])
    const size = harness.fs.sizeOf(firstLog)
    harness.fs.open(firstLog, 'existing').write(Buffer.from([1]), size / 2 + 7)
    const { batches, nextOffset } = log.read({
      offset: 0,
      maxBytes: 1,
      isolation: 'read_uncommitted',
      minOneBatch: true,
    })
    expect([batches.length, nextOffset]).toEqual([size / 2, 2])
    expect(() => valuesOf(log, 2)).toThrow(`is damaged at byte ${size / 2}`)
  })
})

describe('a segment without index entries', () => {
  it.each([1, 2, 3])('is no damage when it has %d batches, each as large as the index interval', async (count) => {
    const batch = (value: string) => batchOf([['k', value]])
    const harness = new LogHarness({ indexIntervalBytes: batch('0').bytes.length })
    const log = await harness.open()
    for (let i = 0; i < count; i += 1) await log.append(batch(`${i}`))
    await log.close()
    const again = await harness.open()
    expect([again.logEndOffset, harness.logger.lines]).toEqual([count, []])
    await again.close()
  })
})
