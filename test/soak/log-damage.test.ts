import fc from 'fast-check'
import { expect, it } from 'vitest'
import { damageCases, damageLog, expectNoSilentLoss } from '../support/log/log-damage.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

it('a damaged partition starts, and hides no loss', async () => {
  const seed = chosenSeed()
  const result = await fc.check(
    fc.asyncProperty(damageCases, async (one) => expectNoSilentLoss(one, await damageLog(one))),
    { seed, numRuns: 10_000_000, interruptAfterTimeLimit: soakMs },
  )
  expect(result.failed, fc.defaultReportMessage(result)).toBe(false)
  expect(result.numRuns, `seed ${seed}`).toBeGreaterThan(0)
})
