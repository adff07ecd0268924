import { decimalToBytes, type ConnectValue } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decimalDecoder,
  decodeDecimalText,
  decodeFloat,
  decodeInteger,
  moneyDecoder,
  moneyText,
  variableDecimalDecoder,
} from '../../../../connectors/postgres-source/values/decode-number.ts'
import { lost, never, read } from '../../../support/postgres/values.ts'

describe('numbers', () => {
  it('keep all digits of an integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const decoded = read(decodeInteger, String(value))
        expect(String(decoded)).toBe(String(value))
        expect(typeof decoded).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint')
      }),
    )
  })

  it('keep floats exactly as the server writes them', () => {
    expect(['1.5', '-0', 'NaN', 'Infinity', '-Infinity', '1e-07'].map((text) => read(decodeFloat, text))).toEqual([
      1.5, -0, NaN, Infinity, -Infinity, 1e-7,
    ]) // prettier-ignore
  })

  it.each([
    ['6.789', 3, '6789'],
    ['100', 0, '100'],
    ['0.00', 0, '0'],
    ['-0.10', 1, '-1'],
    ['100000000000000000000', 0, '100000000000000000000'],
  ])('without a declared scale carry their own: %s', (text, scale, unscaled) => {
    const decoded = read(variableDecimalDecoder(decimalToBytes, never), text)
    expect(decoded).toEqual([scale, decimalToBytes(unscaled, 0)])
  })

  it('that a decimal cannot represent become null or words', () => {
    expect(read(decimalDecoder(lost), 'NaN')).toBeNull()
    expect(read(variableDecimalDecoder(decimalToBytes, lost), '-Infinity')).toBeNull()
    expect(read(decimalDecoder(never), '4.50')).toBe('4.50')
  })

  it('are decoded only in the format of Postgres', () => {
    const text = fc.string({ unit: fc.constantFrom('0', '1', '9', '.', '-', '/', ':'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(text, (given) => {
        if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(given)) expect(read(decimalDecoder(never), given)).toBe(given)
        else expect(() => read(decimalDecoder(lost), given)).toThrow('not a numeric')
      }),
    )
  })

  it('use words for NaN and the infinities as text', () => {
    expect(['NaN', 'Infinity', '-Infinity', '1.0'].map((text) => read(decodeDecimalText, text))).toEqual([
      'NAN', 'POSITIVE_INFINITY', 'NEGATIVE_INFINITY', '1.0',
    ]) // prettier-ignore
  })

  it.each([
    ['$1,234.56', '1234.56'],
    ['-$0.01', '-0.01'],
    ['($5.00)', '-5.00'],
    ['€ 7', '7'],
  ])('of money lose their sign of currency: %s', (text, amount) => {
    expect(read(moneyText, text)).toBe(amount)
  })

  it('of money keep their digits, or become null when there are too few', () => {
    const money = (digits: number, text: string): ConnectValue => read(moneyDecoder(digits, lost), text)
    expect([2, 1, 0, 4].map((digits) => money(digits, '-$1,000.50'))).toEqual(['-1000.50', '-1000.5', null, '-1000.50'])
    expect([money(0, '$7.00'), money(1, '$7.01'), money(0, '$7')]).toEqual(['7', null, '7'])
  })

  it.each(['kr', '1.234,56 €', '1.234 kr', '12,34', '$', ''])('of money in another format are rejected: %s', (text) => {
    expect(() => read(moneyText, text)).toThrow('money')
  })
})
