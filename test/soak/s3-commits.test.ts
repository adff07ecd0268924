import fc from 'fast-check'
import { expect, it } from 'vitest'

import { lives, S3Lives } from '../support/s3/s3-lives.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

it('the S3 sink covers every offset once, whatever becomes of its commits, its partition and its process', async () => {
  const seed = chosenSeed()
  const result = await fc.check(
    fc.asyncProperty(lives, async (plan) => await S3Lives.run(plan)),
    { seed, numRuns: 1_000_000, interruptAfterTimeLimit: soakMs, endOnFailure: true },
  )
  expect(result.failed, fc.defaultReportMessage(result)).toBe(false)
  expect(result.numRuns, `seed ${seed}`).toBeGreaterThan(0)
})
