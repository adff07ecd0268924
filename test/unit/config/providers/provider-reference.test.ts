import { describe, expect, it } from 'vitest'

import {
  providerReferences,
  replaceLiterals,
  replaceReferences,
} from '../../../../src/config/providers/provider-reference.ts'

describe('a reference to a config provider', () => {
  it.each([
    ['${env:HOME}', [{ text: '${env:HOME}', provider: 'env', path: '', key: 'HOME' }]],
    [
      '${file:/a/b.properties:key}',
      [{ text: '${file:/a/b.properties:key}', provider: 'file', path: '/a/b.properties', key: 'key' }],
    ],
    ['${file:/a:b:c}', [{ text: '${file:/a:b:c}', provider: 'file', path: '/a', key: 'b:c' }]],
    ['${file::key}', [{ text: '${file::key}', provider: 'file', path: '', key: 'key' }]],
    ['${:}', [{ text: '${:}', provider: '', path: '', key: '' }]],
    [
      'a ${x:1} b ${y:p:2}',
      [
        { text: '${x:1}', provider: 'x', path: '', key: '1' },
        { text: '${y:p:2}', provider: 'y', path: 'p', key: '2' },
      ],
    ],
    ['${a:${b:c}}', [{ text: '${a:${b:c}', provider: 'a', path: '${b', key: 'c' }]],
    ['${topic}-${timestamp}', []],
    ['$1 {a:b} ${a', []],
  ])('in %j is %j', (value, references) => {
    expect(providerReferences(value)).toEqual(references)
  })

  it('is what remains of a value whose other text is hidden', () => {
    expect(replaceLiterals('a${x:1}${y:2} ${b} c', '*')).toBe('*${x:1}${y:2}*')
    expect(replaceLiterals('${x:1}', '*')).toBe('${x:1}')
    expect(replaceLiterals('${b}', '*')).toBe('*')
  })

  it('is replaced by a value that is used as it is', () => {
    expect(replaceReferences('a ${x:1} ${y:2} $1', (text) => `<${text === '${x:1}' ? '${y:2} $&' : 'z'}>`)).toBe(
      'a <${y:2} $&> <z> $1',
    )
  })
})
