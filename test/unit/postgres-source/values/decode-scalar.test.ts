import { describe, expect, it } from 'vitest'
import type { ValueDecoder } from '../../../../connectors/postgres-source/values/column-type.ts'
import { decodeFloat } from '../../../../connectors/postgres-source/values/decode-number.ts'
import {
  binaryDecoder,
  decodeBits,
  decodeGeometry,
  decodeHstoreJson,
  decodeHstoreMap,
  decodePoint,
  decodeVector,
} from '../../../../connectors/postgres-source/values/decode-scalar.ts'
import { read } from '../../../support/postgres/values.ts'

describe('bytes, bits and shapes', () => {
  it('are encoded in every binary mode', () => {
    const text = '\\x00fbff'
    expect(read(binaryDecoder('bytes'), text)).toEqual(Buffer.from([0, 0xfb, 0xff]))
    expect(read(binaryDecoder('hex'), text)).toBe('00fbff')
    expect(read(binaryDecoder('base64'), text)).toBe('APv/')
    expect(read(binaryDecoder('base64-url-safe'), text)).toBe('APv_')
  })

  it('of bit strings have the lowest byte first and no leading zeros', () => {
    expect(read(decodeBits, '101')).toEqual(Buffer.from([5]))
    expect(read(decodeBits, '0000')).toEqual(Buffer.alloc(0))
    expect(read(decodeBits, `1${'0'.repeat(62)}1`)).toEqual(Buffer.from('0100000000000080', 'hex'))
  })

  it('of points and geometries are encoded as well-known binary', () => {
    const wkb = Buffer.from('0101000000000000000000f83f00000000000004c0', 'hex')
    expect(read(decodePoint, '(1.5,-2.5)')).toEqual([1.5, -2.5, wkb, null])
    expect(read(decodeGeometry, wkb.toString('hex').toUpperCase())).toEqual([wkb, null])
    expect(read(decodeGeometry, '0101000020E6100000')).toEqual([Buffer.from('0101000020e6100000', 'hex'), 4326])
    expect(read(decodeVector, '[1,2.5,-3]')).toEqual([1, 2.5, -3])
  })

  it.each<[string, ValueDecoder, readonly string[]]>([
    ['hstore', decodeHstoreMap, ['"a"', 'a=>1', '"a"=>"1"x', '"a"=>"1", ', '"a"=>"1" "b"=>"2"', '"a"=>null']],
    ['geometry', decodeGeometry, ['', '01', '0101000000zz', '02010000000000000000', '010100000000000000000']],
    ['vector', decodeVector, ['', '[', '1,2', '[1,]', '[1 2]', '[1,x]']],
    ['point', decodePoint, ['', '(1)', '(1,2,3)', '1,2', '(,)']],
    ['bytea', binaryDecoder('bytes'), ['', 'ab', '\\x0', '\\xzz']],
    ['bits', decodeBits, ['102', '1 0']],
    ['float', decodeFloat, ['', ' ', '0x10', '1_0', 'nan', '1e999']],
  ])('of %s in any other form are refused', (_name, decode, texts) => {
    for (const text of texts) expect(() => read(decode, text), text).toThrow(/not .* in the format/)
  })

  it('of hstore keep quotes, backslashes and nulls', () => {
    const text = String.raw`"a"=>"1", "b"=>NULL, "c d"=>"x\"y\\"`
    expect(read(decodeHstoreMap, text)).toEqual(new Map([['a', '1'], ['b', null], ['c d', 'x"y\\']])) // prettier-ignore
    expect(read(decodeHstoreJson, text)).toBe(String.raw`{"a":"1","b":null,"c d":"x\"y\\"}`)
  })
})
