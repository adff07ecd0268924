import fc from 'fast-check'
import type { RawConfig } from 'penstock/api'
import { describe, it } from 'vitest'

import { byField, lives, S3Lives, withKeys, withManifests, type Life } from '../support/s3/s3-lives.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'

const thirty = Array.from({ length: 30 }, () => true)
const life: Life = {
  rotation: { 'flush.size': '10' },
  records: thirty,
  outcomes: [],
  polls: 4,
  meanwhile: 'nothing',
  end: 'stop',
  diesAt: null,
}
const otherCut: Life = { ...life, rotation: { 'flush.size': '15' }, records: [], polls: 8 }

describe('the S3 sink in its loop stores every offset once', () => {
  it('when it is stopped while a commit waits for its coordinator', async () => {
    const outcomes = [false, false, false].map((applied) => ({ kind: 'cut off' as const, applied }))
    await S3Lives.run([{ ...life, outcomes }, otherCut])
  })

  it('when a commit is refused for a rebalance, and the partition is revoked', async () => {
    const refused = { kind: 'refused' as const, code: errorCodes.REBALANCE_IN_PROGRESS }
    await S3Lives.run([{ ...life, outcomes: Array.from({ length: 5 }, () => refused) }, otherCut])
  })

  it.each<[string, number, RawConfig]>([
    ['JSON Lines', 15, {}],
    ['Avro', 5, { 'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat' }],
    ['directories by a field', 15, byField],
    ['with manifests, which say the same as the objects', 15, withManifests],
    ['with keys, and tombstones beside directories by a field', 15, withKeys],
  ])(
    'whatever happens to its commits, its partition and its process: %s (I1, I9)',
    { timeout: 300_000 },
    async (_title, numRuns, settings) => {
      await fc.assert(
        fc.asyncProperty(lives, async (plan) => await S3Lives.run(plan, settings)),
        { numRuns, endOnFailure: true },
      )
    },
  )
})
