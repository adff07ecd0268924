import { expect, it } from 'vitest'
import { FullDiskRounds } from '../../support/log/full-disk-rounds.ts'

it('a disk that is full ten times loses nothing, says so in status, metrics and health, and needs no one', async (context) => {
  expect(await FullDiskRounds.run(context, (round) => round < 10)).toBe(10)
})
