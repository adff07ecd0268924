import { expect, it } from 'vitest'

import { runWorkerChaos } from '../support/chaos/worker-chaos.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

it('a group of three workers is what its config topic says, and loses nothing, seed after seed', async () => {
  const end = performance.now() + soakMs
  for (let seed = chosenSeed(); performance.now() < end; seed += 1) {
    for (const faults of ['violent', 'graceful'] as const) {
      const { faults: found, counts, transcript } = await runWorkerChaos({ seed, steps: 30, faults })
      expect(found, transcript).toEqual([])
      process.stderr.write(`${faults} seed ${seed}: ${JSON.stringify(counts)}\n`)
    }
  }
})
