import { describe, expect, it } from 'vitest'

import { runWorkerChaos } from '../../support/chaos/worker-chaos.ts'
import type { ChaosPlan } from '../../support/chaos/chaos-plan.ts'

const plans: readonly ChaosPlan[] = [
  { seed: 1, steps: 12, faults: 'graceful' },
  { seed: 2, steps: 16, faults: 'violent' },
  { seed: 3, steps: 12, faults: 'violent' },
]

/** CHAOS_SEED repeats a plan with another seed; CHAOS_STEPS makes it longer. */
function chosenPlans(): readonly ChaosPlan[] {
  const { CHAOS_SEED: seed, CHAOS_STEPS: steps } = process.env
  if (seed === undefined) return plans
  return plans
    .slice(0, 2)
    .map(({ faults, steps: few }) => ({ faults, seed: Number(seed), steps: Number(steps ?? few) }))
}

describe('a group of three workers, with random requests', () => {
  it.for(chosenPlans())(
    'and $faults faults by seed $seed is what its config topic says, and loses nothing',
    { timeout: 900_000 },
    async (plan) => {
      const { faults, transcript } = await runWorkerChaos(plan)
      expect(faults, transcript).toEqual([])
    },
  )
})
