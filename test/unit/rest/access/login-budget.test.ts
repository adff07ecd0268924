import { expect, it } from 'vitest'

import { LoginBudget } from '../../../../src/rest/access/login-budget.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const spend = (budget: LoginBudget, address: string, times: number): number[] =>
  Array.from({ length: times }, () => budget.take(address))

it('an address may fail ten times, and then once in six seconds', () => {
  const clock = new ManualClock()
  const budget = new LoginBudget(clock)
  expect(spend(budget, '10.0.0.1', 10)).toEqual(Array.from({ length: 10 }, () => 0))
  expect(budget.take('10.0.0.1')).toBe(6000)
  expect(budget.take('10.0.0.2')).toBe(0)
  clock.advance(2000)
  expect(budget.take('10.0.0.1')).toBe(4000)
  clock.advance(4000)
  expect(spend(budget, '10.0.0.1', 2)).toEqual([0, 6000])
  clock.advance(60_000)
  expect(spend(budget, '10.0.0.1', 11)[10]).toBe(6000)
})

it('a log-in that succeeds costs nothing', () => {
  const budget = new LoginBudget(new ManualClock())
  for (let i = 0; i < 100; i += 1) {
    expect(budget.take('10.0.0.1')).toBe(0)
    budget.refund('10.0.0.1')
  }
})

it.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['fe80::1%eth0', 'fe80::2%eth0', true],
  ['::ffff:10.0.0.1', '10.0.0.1', true],
  ['::ffff:10.0.0.1', '10.0.0.2', false],
])('%s and %s share a budget: %s', (one, other, isShared) => {
  const budget = new LoginBudget(new ManualClock())
  spend(budget, one, 10)
  expect(budget.take(other) > 0).toBe(isShared)
})

it('forgets the addresses that were seen longest ago', () => {
  const budget = new LoginBudget(new ManualClock())
  spend(budget, 'first', 10)
  for (let i = 0; i < 4096; i += 1) budget.take(`10.0.${i >> 8}.${i & 255}`)
  expect(budget.take('first')).toBe(0)
})
