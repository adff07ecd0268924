import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifiedBatch } from '../../src/log/batch-check.ts'
import { RejectedBatchError } from '../../src/log/log-error.ts'
import type { PartitionLog } from '../../src/log/partition-log.ts'
import { codecs, type Codec } from '../../src/protocol/record-batch/record-batch.ts'
import { bytesOf, LogHarness } from '../support/log/log-harness.ts'

const codec = fc.constantFrom(...(Object.keys(codecs) as Codec[]))
const entries = fc.array(fc.tuple(fc.option(fc.string()), fc.option(fc.string())), { minLength: 1, maxLength: 4 })
const producer = fc.constantFrom({}, { producerId: 7, producerEpoch: 0, baseSequence: 0 })

/** Bytes 12 to 15: the broker overwrites the leader epoch, so a wrong one does no harm. */
const leaderEpoch = { first: 12, last: 15 }

function stored(log: PartitionLog): Buffer {
  return log.read({ offset: 0, maxBytes: 1 << 20, isolation: 'read_uncommitted', minOneBatch: true }).batches
}

async function tryToAppend(bytes: Buffer): Promise<{ readonly refused: boolean; readonly stored: Buffer }> {
  const log = await new LogHarness().open()
  try {
    await log.append(verifiedBatch(bytes))
    return { refused: false, stored: stored(log) }
  } catch (error) {
    if (!(error instanceof RejectedBatchError)) throw error
    expect(log.logEndOffset).toBe(0)
    return { refused: true, stored: stored(log) }
  } finally {
    await log.close()
  }
}

describe('a record batch that was damaged on its way is never appended (I5)', () => {
  it('whichever byte of it is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(entries, codec, producer, fc.integer({ min: 1, max: 255 }), async (list, chosen, from, flip) => {
        const whole = bytesOf(list, { codec: chosen, ...from })
        const intact = await tryToAppend(Buffer.from(whole))
        expect(intact.refused).toBe(false)
        for (let at = 0; at < whole.length; at += 1) {
          const damaged = Buffer.from(whole)
          damaged[at] = (damaged[at] ?? 0) ^ flip
          const outcome = await tryToAppend(damaged)
          const isHarmless = at >= leaderEpoch.first && at <= leaderEpoch.last
          expect(outcome.refused, `byte ${at}`).toBe(!isHarmless)
          expect(outcome.stored, `byte ${at}`).toEqual(isHarmless ? intact.stored : Buffer.alloc(0))
        }
      }),
      { numRuns: 15 },
    )
  })

  it('wherever it is cut, and whatever follows it', async () => {
    await fc.assert(
      fc.asyncProperty(entries, codec, fc.uint8Array({ minLength: 1, maxLength: 80 }), async (list, chosen, more) => {
        const whole = bytesOf(list, { codec: chosen })
        for (let length = 0; length < whole.length; length += 1)
          expect((await tryToAppend(Buffer.from(whole.subarray(0, length)))).refused, `${length} bytes`).toBe(true)
        expect((await tryToAppend(Buffer.concat([whole, more]))).refused).toBe(true)
      }),
      { numRuns: 15 },
    )
  })
})
