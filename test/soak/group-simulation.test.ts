import { expect, it } from 'vitest'

import { systemClock } from '../../src/foundation/clock.ts'
import type { Outcome } from '../simulation/run.ts'
import { simulate } from '../simulation/simulation-threads.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

it('a group of workers keeps to its configuration under the faults of many seeds', async () => {
  const failed: Outcome[] = []
  const endMs = systemClock.monotonic() + soakMs
  let seed = chosenSeed()
  let runs = 0
  await simulate(
    () => (systemClock.monotonic() < endMs && failed.length < 5 ? (seed += 1) : null),
    (outcome) => {
      runs += 1
      if (outcome.violations.length > 0) failed.push(outcome)
    },
  )
  expect(failed.map(({ seed: failing, violations }) => ({ SIM_SEED: failing, violations }))).toEqual([])
  expect(runs).toBeGreaterThan(0)
})
