import { describe, expect, it } from 'vitest'

import { javaRegExp } from '../../../../src/api/java/java-regex.ts'

const whole = (pattern: string): RegExp => javaRegExp(pattern, { whole: true })

describe('a Java regular expression', () => {
  it.each([
    ['shop\\.public\\..*', 'shop.public.orders', true],
    ['orders', 'orders-2', false],
    ['a|b', 'ab', false],
    ['(?i)Orders', 'ORDERS', true],
    ['\\Qa.b\\E+', 'a.bb', true],
    ['\\Qa.b\\E', 'axb', false],
    ['[\\p{Alpha}_]+\\p{Digit}', 'ab_1', true],
    ['\\P{Digit}+', 'abc', true],
    ['my\\_topic\\-\\"x\\"', 'my_topic-"x"', true],
    ['\\x{41}\\0101', 'AA', true],
    ['a}b]', 'a}b]', true],
    ['a{2,3}', 'aaa', true],
    ['[a\\-c]+', 'a-c', true],
    ['[a\\-c]', 'b', false],
    ['(?<x>a)\\k<x>', 'aa', true],
    ['\\p{IsL}+', 'äö', true],
    ['\\Aab\\z', 'ab', true],
    ['(?s).*', 'a\nb', true],
    ['.*', 'a\nb', false],
    ['[a-z&&[^aeiou]]+', 'xyz', true],
    ['[a-z&&[^aeiou]]+', 'xya', false],
    ['[a-z&&[def]&&[^e]]+', 'dfd', true],
    ['[a-z&&def]', 'e', true],
    ['[^a-z&&[def]]+', 'abcE', true],
    ['[^a-z&&[def]]', 'd', false],
    ['[a-c[x-z]]+', 'abxz', true],
    ['[a-c[x-z]]', 'm', false],
    ['[]a]+', ']a', true],
    ['[^]a]', ']', false],
    ['[a-]+', 'a-', true],
    ['[-a]+', '-a', true],
    ['[a&b|(){}/^$.*+?!#~]+', 'a&b|(){}/^$.*+?!#~', true],
    ['[\\[\\]\\\\]+', '[]\\', true],
    ['[\\Qa]-z\\E]+', 'a]-z', true],
    ['[\\x41-\\x43\\u0044-\\x{45}]+', 'ABCDE', true],
    ['[\\P{Digit}]+', 'abc', true],
    ['[\\P{Digit}]', '1', false],
    ['[^\\p{Alpha}\\s]+', '1-2', true],
    ['[\\w.-]+', 'a_1.-', true],
    ['[😀-😂]', '😁', true],
    ['\\pL\\PL', 'a1', true],
    ['a\\sb', 'a\u00a0b', false],
    ['a\\Sb', 'a\u00a0b', true],
    ['\\h\\v\\H\\V', '\u00a0\u2028ab', true],
    ['a{1}|b', 'b', true],
    ['shop\\.(?!secret).*', 'shop.secret', false],
  ])('%s matches %j as a whole: %s', (pattern, text, expected) => {
    expect(whole(pattern).test(text)).toBe(expected)
  })

  it('finds a part when the whole is not asked for', () => {
    expect(javaRegExp('b+', { whole: false }).exec('abbc')?.[0]).toBe('bb')
  })

  it('ignores case on request', () => {
    expect(javaRegExp('ab', { whole: true, ignoreCase: true }).test('AB')).toBe(true)
  })

  it.each([
    'a++',
    'a{2}+',
    '(?>a)',
    '[a&&]',
    '[&&a]',
    'a(?i)b',
    '(?x)a',
    '\\G',
    '(',
    '[a',
    '[]',
    '[z-a]',
    '[x-&&z]',
    '[a&&&b]',
    '[\\b]',
    '(?i:A)b',
    '(?-i)a',
    '*',
    '\\y',
    '[\\y]',
    'a\\',
    '\\p{InGreek}',
  ])('refuses %s as an invalid regex that names the pattern', (pattern) => {
    expect(() => whole(pattern)).toThrow(/^Invalid regex: .+ in "/s)
  })
})
