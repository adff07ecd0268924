import { type ConnectValue } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrayDecoder } from '../../../../connectors/postgres-source/values/decode-array.ts'
import { decodeText } from '../../../../connectors/postgres-source/values/column-type.ts'
import { decodeInteger } from '../../../../connectors/postgres-source/values/decode-number.ts'
import { read } from '../../../support/postgres/values.ts'

describe('arrays', () => {
  const silent = (): void => undefined
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

  it('decode any text as Postgres quotes it', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: 'binary' }))), (texts) => {
        const text = `{${texts.map((item) => (item === null ? 'NULL' : quoted(item))).join(',')}}`
        expect(read(arrayDecoder(decodeText, silent), text)).toEqual(texts)
      }),
    )
  })

  it.each<[string, ConnectValue]>([
    ['{}', []],
    ['{1,NULL,3}', [1, null, 3]],
    ['[2:3]={7,8}', [7, 8]],
  ])('of numbers: %s', (text, numbers) => {
    expect(read(arrayDecoder(decodeInteger, silent), text)).toEqual(numbers)
  })

  it('distinguish an unquoted NULL from the text', () => {
    expect(read(arrayDecoder(decodeText, silent), '{null,"NULL",NULLS}')).toEqual([null, 'NULL', 'NULLS'])
  })

  it('with several dimensions lose their inner arrays, and report it', () => {
    let told = 0
    const decode = arrayDecoder(decodeText, () => void (told += 1))
    expect(read(decode, '{{"a}",b},{c,d}}')).toEqual([null, null])
    expect(told).toBe(2)
  })

  it.each(['', '1,2', '{1', '{"a', '{{1}'])('in another format are rejected: %s', (text) => {
    expect(() => read(arrayDecoder(decodeInteger, silent), text)).toThrow()
  })
})
