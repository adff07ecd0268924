import { describe, expect, it } from 'vitest'

import { providerReferences } from '../../../../src/config/definition/provider-reference.ts'

describe('a reference to a config provider', () => {
  it.each([
    ['${env:HOME}', [{ provider: 'env', path: '', key: 'HOME' }]],
    ['${file:/a/b.properties:key}', [{ provider: 'file', path: '/a/b.properties', key: 'key' }]],
    [
      'a ${x:1} b ${y:p:2}',
      [
        { provider: 'x', path: '', key: '1' },
        { provider: 'y', path: 'p', key: '2' },
      ],
    ],
    ['${topic}-${timestamp}', []],
    ['$1 {a:b}', []],
  ])('in %j is %j', (value, references) => {
    expect(providerReferences(value)).toEqual(references)
  })
})
