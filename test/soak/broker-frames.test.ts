import { expect, it } from 'vitest'
import { fuzzBroker } from '../support/broker/frame-fuzz.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

it('the broker outlives damaged frames of every API it serves', async () => {
  const seed = chosenSeed()
  const { frames, ...report } = await fuzzBroker(seed, soakMs)
  expect(report, `seed ${seed}, ${frames} frames`).toMatchObject({
    died: null,
    unanswered: null,
    errors: [],
    startsAgain: true,
  })
  expect(report.residentMb, `seed ${seed}`).toBeLessThan(512)
})
