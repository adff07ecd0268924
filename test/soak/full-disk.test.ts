import { systemClock } from 'penstock/api'
import { expect, it } from 'vitest'
import { FullDiskRounds } from '../support/log/full-disk-rounds.ts'
import { soakMs } from '../support/soak-run.ts'

it('a disk that fills and empties all the time loses nothing, and needs no one', async (context) => {
  const end = systemClock.monotonic() + soakMs
  expect(await FullDiskRounds.run(context, () => systemClock.monotonic() < end)).toBeGreaterThan(0)
})
