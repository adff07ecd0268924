import { expect, it } from 'vitest'
import { expectUnharmed } from '../support/hostile/hostile-checks.ts'
import { runHostile } from '../support/hostile/hostile-run.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

it('records flow through a worker within its memory while a hostile client does what it can', async () => {
  const seed = chosenSeed()
  const report = await runHostile(seed, soakMs)
  expectUnharmed(seed, report)
  expect(report.records).toBeGreaterThan(0)
})
