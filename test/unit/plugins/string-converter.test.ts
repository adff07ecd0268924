import { arrayOf, DataError, mapOf, primitive, struct } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin as byteArray } from '../../../plugins/converters/byte-array-converter.ts'
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

  it('refuses bytes, of which Java would write the address', () => {
    expect(() => converter.fromConnect('t', primitive('BYTES'), Buffer.from('x'))).toThrow(DataError)
  })

  it('speaks other character sets, and refuses those it does not know', () => {
    const latin1 = headerPlugin.create({ 'converter.encoding': 'ISO-8859-1' }, {})
    expect(latin1.fromConnectHeader('t', 'h', null, 'ü')).toEqual(Buffer.from([0xfc]))
    expect(latin1.toConnectHeader('t', 'h', Buffer.from([0xfc])).value).toBe('ü')
    expect(plugin.configDef['converter.encoding']?.validator?.('converter.encoding', 'EBCDIC')).toContain('UTF8')
  })
})

describe('ByteArrayConverter', () => {
  const bytes = byteArray.create({}, {}, false)

  it('passes bytes and null', () => {
    expect(bytes.fromConnect('t', primitive('BYTES'), Buffer.from('x'))).toEqual(Buffer.from('x'))
    expect(bytes.toConnect('t', Buffer.from('x')).value).toEqual(Buffer.from('x'))
    expect(bytes.fromConnect('t', null, null)).toBeNull()
  })

  it('refuses anything else', () => {
    expect(() => bytes.fromConnect('t', primitive('STRING'), 'x')).toThrow(DataError)
    expect(() => bytes.fromConnect('t', null, 'x')).toThrow(DataError)
  })
})
