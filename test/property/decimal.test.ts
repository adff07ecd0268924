import fc from 'fast-check'
import { DataError, decimalFromBytes, decimalTextOf, decimalToBytes } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { decimalBase64 } from '../../src/api/decimal.ts'

describe('the base64 of a decimal', () => {
  it('is that of its bytes, however many digits it has', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.bigInt({ min: -70_000n, max: 70_000n })),
        fc.integer({ min: 0, max: 6 }),
        (unscaled, scale) => {
          const text = decimalTextOf(unscaled, scale)
          const base64 = decimalBase64(text, scale)
          expect(base64).toBe(decimalToBytes(text, scale).toString('base64'))
          expect(decimalFromBytes(Buffer.from(base64, 'base64'), scale)).toBe(text)
        },
      ),
      { numRuns: 5000 },
    )
  })

  it.each(['', '-', '.', '1.5', '1e3', '12.345', 'x', '1.', '--1'])(
    'of %j at scale 2 is what the bytes say, errors included',
    (text) => {
      const slow = (): string => decimalToBytes(text, 2).toString('base64')
      let wanted: string | null = null
      try {
        wanted = slow()
      } catch {
        expect(() => decimalBase64(text, 2)).toThrow(/decimal/i)
        return
      }
      expect(decimalBase64(text, 2)).toBe(wanted)
    },
  )
})

describe('a decimal', () => {
  it.each([1_000_001, -1_000_001, 1.5, Number.NaN])('is refused at scale %s', (scale) => {
    expect(() => decimalFromBytes(Buffer.from([1]), scale)).toThrow(DataError)
    expect(() => decimalToBytes('1', scale)).toThrow(DataError)
  })
})
