import { describe, expect, it } from 'vitest'

import { ConfigError } from '../../../../src/api/errors.ts'
import { parseProperties } from '../../../../src/api/java/java-properties.ts'

describe('a properties file', () => {
  it.each([
    ['a=b', { a: 'b' }],
    ['a = b ', { a: 'b ' }],
    ['a:b\nc d', { a: 'b', c: 'd' }],
    ['  a=b', { a: 'b' }],
    ['# no\n! no\n\n   \na=b', { a: 'b' }],
    ['a=b\\\n    c', { a: 'bc' }],
    ['a=b\\\\\nc=d', { a: 'b\\', c: 'd' }],
    ['a=b\\\r\n\tc\rd=e', { a: 'bc', d: 'e' }],
    ['a\\ b\\=c=d', { 'a b=c': 'd' }],
    ['a=\\u00e4\\t\\q', { a: 'ä\tq' }],
    ['a=1\na=2', { a: '2' }],
    ['a', { a: '' }],
    ['a==b', { a: '=b' }],
    ['url=http://127.0.0.1:8083', { url: 'http://127.0.0.1:8083' }],
    ['a=b\\\n# part of it', { a: 'b# part of it' }],
    ['\ufeffa=b', { a: 'b' }],
    ['__proto__=x', JSON.parse('{"__proto__":"x"}')],
    ['a=b\\', { a: 'b' }],
  ])('%j reads as %j', (text, properties) => {
    expect(parseProperties(text)).toEqual(properties)
  })

  it('names the line of a malformed escape', () => {
    expect(() => parseProperties('a=b\n\nc=\\u12')).toThrow(ConfigError)
    expect(() => parseProperties('a=b\n\nc=\\u12')).toThrow(/line 3/)
  })
})
