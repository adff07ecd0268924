import { expect, it } from 'vitest'
import { backoffMs } from '../../../../src/foundation/async/backoff.ts'

const backoff = { initialMs: 100, maxMs: 3000 }
const almostOne = 1 - Number.EPSILON

it('doubles the wait with each attempt up to its maximum', () => {
  const greatest = [1, 2, 3, 4, 5, 6, 7].map((attempt) => Math.round(backoffMs(backoff, attempt, almostOne)))
  expect(greatest).toEqual([100, 200, 400, 800, 1600, 3000, 3000])
})

it('takes away up to half of the wait at random, so that those that failed together do not retry together', () => {
  expect([0, 0.5].map((random) => backoffMs(backoff, 1, random))).toEqual([50, 75])
  expect(backoffMs(backoff, 100, 0)).toBe(1500)
})

it('stays a finite wait after any number of attempts', () => {
  expect(backoffMs({ initialMs: 1, maxMs: Number.MAX_VALUE }, 1_000_000, 0)).toBe(2 ** 29)
})
