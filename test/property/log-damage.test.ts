import fc from 'fast-check'
import { describe, it } from 'vitest'
import { damageCases, damageLog, expectNoSilentLoss } from '../support/log/log-damage.ts'

describe('a damaged partition', () => {
  it('starts, and hides no loss (I5)', async () => {
    await fc.assert(
      fc.asyncProperty(damageCases, async (one) => expectNoSilentLoss(one, await damageLog(one))),
      { numRuns: 800 },
    )
  })
})
