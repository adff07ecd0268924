import { expect, it } from 'vitest'

import { matchesPattern } from '../../../../src/rest/access/name-pattern.ts'

it.each([
  ['orders', 'orders', true],
  ['orders', 'order', false],
  ['orders', 'Orders', false],
  ['orders', '*', true],
  ['', '*', true],
  ['orders-sink', 'orders-*', true],
  ['orders', 'orders-*', false],
  ['orders-', 'orders-*', true],
  ['my-orders', '*orders', true],
  ['orders-x', '*orders', false],
  ['a-b-c', 'a*b*c', true],
  ['a-c', 'a*b*c', false],
  ['aba', 'ab*ba', false],
  ['abba', 'ab*ba', true],
  ['xyx', 'x**x', true],
  ['a.c', 'a?c', false],
  ['abc', 'a.c', false],
  ['a\nb', 'a*', true],
])('"%s" and the pattern "%s" match: %s', (name, pattern, matches) => {
  expect(matchesPattern(name, pattern)).toBe(matches)
})

it('takes no longer for a pattern with many stars', () => {
  expect(matchesPattern('a'.repeat(100_000), `${'a*'.repeat(1000)}b`)).toBe(false)
})
