import { arrayOf, DataError, mapOf, primitive, struct } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import {
  headerPlugin as byteArrayHeader,
  plugin as byteArray,
} from '../../../plugins/converters/byte-array-converter.ts'
import { headerPlugin, plugin } from '../../../plugins/converters/string-converter.ts'

const converter = plugin.create({ 'converter.encoding': 'UTF8' }, {}, true)

describe('StringConverter', () => {
  it('writes text as it is and reads it back as an optional string', () => {
    const bytes = converter.fromConnect('t', primitive('STRING'), 'größe')
    expect(bytes).toEqual(Buffer.from('größe'))
    expect(converter.toConnect('t', bytes)).toEqual({ schema: primitive('STRING', { optional: true }), value: 'größe' })
  })

  it('takes null as null', () => {
    expect(converter.fromConnect('t', null, null)).toBeNull()
    expect(converter.toConnect('t', null).value).toBeNull()
  })

  it("writes other values as Java's toString does", () => {
    const row = struct([
      ['id', primitive('INT64')],
      ['price', primitive('FLOAT64')],
      ['gone', primitive('STRING', { optional: true })],
      ['tags', arrayOf(primitive('STRING'))],
      ['by', mapOf(primitive('STRING'), primitive('FLOAT32'))],
    ])
    const value = [9223372036854775807n, 1, null, ['a', 'b'], new Map([['x', 0.5]])]
    expect(converter.fromConnect('t', row, value)?.toString()).toBe(
      'Struct{id=9223372036854775807,price=1.0,tags=[a, b],by={x=0.5}}',
    )
    expect(converter.fromConnect('t', null, { a: 1, b: true })?.toString()).toBe('{a=1, b=true}')
  })

  it('rejects bytes, whose text in Java is an address', () => {
    expect(() => converter.fromConnect('t', primitive('BYTES'), Buffer.from('x'))).toThrow(DataError)
  })

  it('supports other character sets, and rejects unknown ones', () => {
    const latin1 = headerPlugin.create({ 'converter.encoding': 'ISO-8859-1' }, {})
    expect(latin1.fromConnectHeader('t', 'h', null, 'ü')).toEqual(Buffer.from([0xfc]))
    expect(latin1.toConnectHeader('t', 'h', Buffer.from([0xfc])).value).toBe('ü')
    expect(plugin.configDef['converter.encoding']?.validator?.('converter.encoding', 'EBCDIC')).toContain('UTF8')
  })
})

describe('StringConverter of a small character set', () => {
  it.each([
    ['US-ASCII', 'grün', /^StringConverter: US-ASCII has no U\+00FC, at position 2/],
    ['ISO-8859-1', '5 €', /no U\+20AC, at position 2/],
    ['ISO-8859-1', '😀', /no U\+1F600/],
  ])('%s refuses %s rather than to write question marks', (encoding, text, message) => {
    const small = plugin.create({ 'converter.encoding': encoding }, {}, false)
    expect(() => small.fromConnect('t', null, text)).toThrow(message)
    expect(() => small.fromConnect('t', null, text)).toThrow(DataError)
  })

  it('rejects bytes that are not ASCII', () => {
    const ascii = plugin.create({ 'converter.encoding': 'us-ascii' }, {}, false)
    expect(() => ascii.toConnect('t', Buffer.from([0x61, 0xfc]))).toThrow(DataError)
    expect(ascii.toConnect('t', Buffer.from('a')).value).toBe('a')
  })
})

describe('ByteArrayConverter', () => {
  const bytes = byteArray.create({}, {}, false)

  it('passes bytes and null', () => {
    expect(bytes.fromConnect('t', primitive('BYTES'), Buffer.from('x'))).toEqual(Buffer.from('x'))
    expect(bytes.toConnect('t', Buffer.from('x')).value).toEqual(Buffer.from('x'))
    expect(bytes.fromConnect('t', null, null)).toBeNull()
  })

  it('converts headers as it does values', () => {
    const header = byteArrayHeader.create({}, {})
    expect(header.fromConnectHeader('t', 'h', null, Buffer.from('x'))).toEqual(Buffer.from('x'))
    expect(header.toConnectHeader('t', 'h', Buffer.from('x')).value).toEqual(Buffer.from('x'))
  })

  it('rejects anything else', () => {
    expect(() => bytes.fromConnect('t', primitive('STRING'), 'x')).toThrow(DataError)
    expect(() => bytes.fromConnect('t', null, 'x')).toThrow(DataError)
  })
})
