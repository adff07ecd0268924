import { describe, expect, it } from 'vitest'
import { deferred } from '../../../src/foundation/async/deferred.ts'
import type { VerifiedBatch } from '../../../src/protocol/record-batch/verified-batch.ts'
import { batchOf, LogHarness, valuesOf } from '../../support/log/log-harness.ts'

const batch = (sequence: number): VerifiedBatch =>
  batchOf([['k', `v${sequence}`]], { producerId: 7, producerEpoch: 0, baseSequence: sequence })

describe('a batch that a producer sends a second time', () => {
  it('is not acknowledged before the first one is durable: a crash would lose what was acknowledged (I1)', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(batch(0))
    const gate = deferred<void>()
    harness.fs.syncGate = gate.promise
    const acknowledged: string[] = []
    const first = log.append(batch(1)).then(() => acknowledged.push('first'))
    const second = log.append(batch(1)).then(({ baseOffset, isDuplicate }) => {
      acknowledged.push(`second at ${baseOffset}, ${isDuplicate ? 'a duplicate' : 'written again'}`)
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect([acknowledged, log.logEndOffset, log.highWatermark]).toEqual([[], 2, 1])
    gate.resolve()
    await Promise.all([first, second])
    expect(acknowledged.toSorted()).toEqual(['first', 'second at 1, a duplicate'])
    expect(valuesOf(log)).toEqual(['v0', 'v1'])
    await log.close()
  })

  it('fails with the first one when that cannot be made durable', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(batch(0))
    const gate = deferred<void>()
    harness.fs.syncGate = gate.promise
    const both = Promise.allSettled([log.append(batch(1)), log.append(batch(1))])
    await new Promise((resolve) => setImmediate(resolve))
    gate.reject(new Error('EIO'))
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    harness.crash()
    expect(valuesOf(await harness.open())).toEqual(['v0'])
  })
})
