import { decimalToBytes, type ConnectValue } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  civilFromDays,
  dateText,
  daysFromCivil,
  timeText,
} from '../../../connectors/postgres-source/values/civil-time.ts'
import type { OnUnrepresentable, ValueDecoder } from '../../../connectors/postgres-source/values/column-type.ts'
import { arrayDecoder } from '../../../connectors/postgres-source/values/decode-array.ts'
import { decodeText } from '../../../connectors/postgres-source/values/column-type.ts'
import {
  decimalDecoder,
  decodeDecimalText,
  decodeFloat,
  decodeInteger,
  moneyDecoder,
  moneyText,
  variableDecimalDecoder,
} from '../../../connectors/postgres-source/values/decode-number.ts'
import {
  binaryDecoder,
  decodeBits,
  decodeGeometry,
  decodeHstoreJson,
  decodeHstoreMap,
  decodePoint,
  decodeVector,
} from '../../../connectors/postgres-source/values/decode-scalar.ts'
import {
  decodeIntervalText,
  intervalMicrosDecoder,
} from '../../../connectors/postgres-source/values/decode-interval.ts'
import {
  decodeDays,
  decodeIsoDate,
  decodeIsoTime,
  decodeIsoTimestamp,
  decodeMillis,
  decodeTimeMicros,
  decodeTimeMillis,
  decodeTimeNanos,
  decodeZonedTime,
  microsDecoder,
  nanosDecoder,
  zonedTimestampDecoder,
} from '../../../connectors/postgres-source/values/decode-time.ts'

const lost: OnUnrepresentable = () => null
const never: OnUnrepresentable = (what) => {
  throw new TypeError(`nothing is lost here: ${what}`)
}

/** Reads a text that stands between others, as in a message. */
function read(decode: ValueDecoder, text: string): ConnectValue {
  const bytes = Buffer.from(`1.9:${text}:1.9`)
  return decode(bytes, 4, bytes.length - 4)
}

describe('dates', () => {
  it('are counted as JavaScript counts them, and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_400_000, max: 90_000_000 }), (days) => {
        const { year, month, day } = civilFromDays(days)
        const date = new Date(days * 86_400_000)
        expect([year, month, day]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()])
        expect(daysFromCivil(year, month, day)).toBe(days)
      }),
    )
  })

  it.each([
    ['2024-02-29', 19_782, '2024-02-29Z'],
    ['1969-12-31', -1, '1969-12-31Z'],
    ['0044-03-15 BC', -735_160, '-0043-03-15Z'],
    ['12026-01-01', 3_672_879, '+12026-01-01Z'],
    ['infinity', -2_147_472_692, 'infinity'],
    ['-infinity', -2_147_472_691, '-infinity'],
  ])('%s', (text, days, iso) => {
    expect(read(decodeDays, text)).toBe(days)
    expect(read(decodeIsoDate, text)).toBe(iso)
    if (!text.includes('infinity')) expect(`${dateText(days)}Z`).toBe(iso)
  })
})

describe('times', () => {
  it.each([
    ['00:00:00', 0, '00:00:00Z'],
    ['12:34:56.789012', 45_296_789_012, '12:34:56.789012Z'],
    ['12:34:56.5', 45_296_500_000, '12:34:56.5Z'],
    ['24:00:00', 86_400_000_000, '00:00:00Z'],
  ])('%s', (text, micros, iso) => {
    expect(read(decodeTimeMicros, text)).toBe(micros)
    expect(read(decodeTimeMillis, text)).toBe(Math.floor(micros / 1000))
    expect(read(decodeTimeNanos, text)).toBe(micros * 1000)
    expect(read(decodeIsoTime, text)).toBe(iso)
    if (micros < 86_400_000_000) expect(`${timeText(micros)}Z`).toBe(iso)
  })

  it.each([
    ['12:34:56.789012+02:30', '10:04:56.789012Z'],
    ['00:00:00-08', '08:00:00Z'],
    ['23:59:59.999999+14', '09:59:59.999999Z'],
    ['01:00:00+02', '23:00:00Z'],
    ['24:00:00+00', '00:00:00Z'],
    ['10:00:00-07:52:58', '17:52:58Z'],
  ])('with a zone are shifted to UTC: %s', (text, utc) => {
    expect(read(decodeZonedTime, text)).toBe(utc)
  })
})

describe('timestamps', () => {
  it.each<[string, ConnectValue, ConnectValue, string]>([
    ['2024-02-29 12:34:56.789012', 1_709_210_096_789_012, 1_709_210_096_789, '2024-02-29T12:34:56.789012Z'],
    ['1969-12-31 23:59:59.999999', -1, -1, '1969-12-31T23:59:59.999999Z'],
    ['9999-12-31 23:59:59.999999', 253_402_300_799_999_999n, 253_402_300_799_999, '9999-12-31T23:59:59.999999Z'],
    ['0044-03-15 10:00:00 BC', -63_517_788_000_000_000n, -63_517_788_000_000, '-0043-03-15T10:00:00Z'],
    ['infinity', 9_223_372_036_825_200_000n, 9_223_372_036_825_200n, 'infinity'],
    ['-infinity', -9_223_372_036_832_400_000n, -9_223_372_036_832_400n, '-infinity'],
  ])('%s', (text, micros, millis, iso) => {
    expect(read(microsDecoder(never), text)).toBe(micros)
    expect(read(decodeMillis, text)).toBe(millis)
    expect(read(decodeIsoTimestamp, text)).toBe(iso)
  })

  it('that 64 bits do not hold are lost, and are never other numbers', () => {
    expect(read(microsDecoder(lost), '294276-12-31 23:59:59.999999')).toBeNull()
    expect(read(decodeMillis, '294276-12-31 23:59:59.999999')).toBe(9_224_318_015_999_999n)
    expect(read(nanosDecoder(lost), '1677-09-21 00:12:43')).toBeNull()
  })

  it('in nanoseconds stay in 64 bits', () => {
    expect(read(nanosDecoder(lost), '2024-02-29 12:34:56.789012')).toBe(1_709_210_096_789_012_000n)
    expect(read(nanosDecoder(lost), '9999-12-31 00:00:00')).toBeNull()
    expect(read(nanosDecoder(lost), 'infinity')).toBe(2n ** 63n - 1n)
  })

  it.each([
    [6, '2024-02-29 07:04:56.789012+00', '2024-02-29T07:04:56.789012Z'],
    [6, '2024-02-29 12:34:56+00', '2024-02-29T12:34:56.000000Z'],
    [6, '2024-02-29 12:34:56.5+00', '2024-02-29T12:34:56.500000Z'],
    [3, '2024-02-29 12:34:56.5+00', '2024-02-29T12:34:56.500Z'],
    [0, '2024-02-29 12:34:56+00', '2024-02-29T12:34:56Z'],
    [6, '2024-02-29 00:30:00+05:30', '2024-02-28T19:00:00.000000Z'],
    [6, '0044-03-15 10:00:00+00 BC', '-0043-03-15T10:00:00.000000Z'],
    [6, '12026-01-01 00:00:00+00', '+12026-01-01T00:00:00.000000Z'],
    [6, 'infinity', 'infinity'],
  ])('with a zone have exactly %i digits: %s', (digits, text, utc) => {
    expect(read(zonedTimestampDecoder(digits), text)).toBe(utc)
  })

  it('are read each for itself, whatever was read before', () => {
    const time = fc
      .tuple(fc.constantFrom('2024-01-31 10:20:3', '0044-01-31 10:20:3'), fc.nat(2), fc.constantFrom('', '.5', '.50'))
      .chain(([head, second, fraction]) =>
        fc.constantFrom('+00', '+01', '+00 BC', '+00:00:00 BC').map((zone) => `${head}${second}${fraction}${zone}`),
      )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(time, fc.constantFrom('infinity', '-infinity', 'rubbish')), { minLength: 2 }),
        (texts) => {
          const decode = zonedTimestampDecoder(6)
          const outcome = (by: ValueDecoder, text: string): ConnectValue => {
            try {
              return read(by, text)
            } catch {
              return 'refused'
            }
          }
          expect(texts.map((text) => outcome(decode, text))).toEqual(
            texts.map((text) => outcome(zonedTimestampDecoder(6), text)),
          )
        },
      ),
    )
  })
})

describe('intervals', () => {
  it.each<[string, ConnectValue, string]>([
    ['1 year 2 mons 3 days 04:05:06.789012', 37_091_106_789_012, 'P1Y2M3DT4H5M6.789012S'],
    ['-1 days -00:00:01', -86_401_000_000, 'P0Y0M-1DT0H0M-1S'],
    ['178000 years', 5_617_252_800_000_000_000n, 'P178000Y0M0DT0H0M0S'],
    ['00:00:00', 0, 'P0Y0M0DT0H0M0S'],
    ['infinity', 2n ** 63n - 1n, 'infinity'],
    ['-infinity', -(2n ** 63n), '-infinity'],
    ['-178000000 years', null, 'P-178000000Y0M0DT0H0M0S'],
    ['300000 years', null, 'P300000Y0M0DT0H0M0S'],
    ['2147483647 days', null, 'P0Y0M2147483647DT0H0M0S'],
    ['2562047788:00:54.775807', null, 'P0Y0M0DT2562047788H0M54.775807S'],
    ['1 day -02:03:04.5', 86_400_000_000 - 7_384_500_000, 'P0Y0M1DT-2H-3M-4.5S'],
    ['-2 mons +1 day', -2 * 2_629_800_000_000 + 86_400_000_000, 'P0Y-2M1DT0H0M0S'],
  ])('%s', (text, micros, iso) => {
    expect(
      read(
        intervalMicrosDecoder(() => null),
        text,
      ),
    ).toBe(micros)
    expect(read(decodeIntervalText, text)).toBe(iso)
  })
})

describe('numbers', () => {
  it('keep every digit of an integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const decoded = read(decodeInteger, String(value))
        expect(String(decoded)).toBe(String(value))
        expect(typeof decoded).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint')
      }),
    )
  })

  it('keep floats as the server writes them', () => {
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

  it('that no decimal can hold are null, or words', () => {
    expect(read(decimalDecoder(lost), 'NaN')).toBeNull()
    expect(read(variableDecimalDecoder(decimalToBytes, lost), '-Infinity')).toBeNull()
    expect(read(decimalDecoder(never), '4.50')).toBe('4.50')
  })

  it('are taken in the form that Postgres writes, and in no other', () => {
    const text = fc.string({ unit: fc.constantFrom('0', '1', '9', '.', '-', '/', ':'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(text, (given) => {
        if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(given)) expect(read(decimalDecoder(never), given)).toBe(given)
        else expect(() => read(decimalDecoder(lost), given)).toThrow('not a numeric')
      }),
    )
  })

  it('have words for NaN and the infinities as text', () => {
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

  it('of money keep their digits, or are lost where there are too few', () => {
    const money = (digits: number, text: string): ConnectValue => read(moneyDecoder(digits, lost), text)
    expect([2, 1, 0, 4].map((digits) => money(digits, '-$1,000.50'))).toEqual(['-1000.50', '-1000.5', null, '-1000.50'])
    expect([money(0, '$7.00'), money(1, '$7.01'), money(0, '$7')]).toEqual(['7', null, '7'])
  })

  it.each(['kr', '1.234,56 €', '1.234 kr', '12,34', '$', ''])('of money in a foreign form are refused: %s', (text) => {
    expect(() => read(moneyText, text)).toThrow('money')
  })
})

describe('bytes, bits and shapes', () => {
  it('appear in every binary mode', () => {
    const text = '\\x00fbff'
    expect(read(binaryDecoder('bytes'), text)).toEqual(Buffer.from([0, 0xfb, 0xff]))
    expect(read(binaryDecoder('hex'), text)).toBe('00fbff')
    expect(read(binaryDecoder('base64'), text)).toBe('APv/')
    expect(read(binaryDecoder('base64-url-safe'), text)).toBe('APv_')
  })

  it('of bit strings have the lowest byte first and no zeros in front', () => {
    expect(read(decodeBits, '101')).toEqual(Buffer.from([5]))
    expect(read(decodeBits, '0000')).toEqual(Buffer.alloc(0))
    expect(read(decodeBits, `1${'0'.repeat(62)}1`)).toEqual(Buffer.from('0100000000000080', 'hex'))
  })

  it('of points and geometries are well-known binary', () => {
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

describe('arrays', () => {
  const silent = (): void => undefined
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

  it('give back any texts, as Postgres quotes them', () => {
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

  it('tell an unquoted NULL from the text', () => {
    expect(read(arrayDecoder(decodeText, silent), '{null,"NULL",NULLS}')).toEqual([null, 'NULL', 'NULLS'])
  })

  it('of several dimensions lose their inner arrays, and say so', () => {
    let told = 0
    const decode = arrayDecoder(decodeText, () => void (told += 1))
    expect(read(decode, '{{"a}",b},{c,d}}')).toEqual([null, null])
    expect(told).toBe(2)
  })

  it.each(['', '1,2', '{1', '{"a', '{{1}'])('that are none are refused: %s', (text) => {
    expect(() => read(arrayDecoder(decodeInteger, silent), text)).toThrow()
  })
})
