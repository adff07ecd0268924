import { type ConnectValue } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  civilFromDays,
  dateText,
  daysFromCivil,
  timeText,
} from '../../../../connectors/postgres-source/values/civil-time.ts'
import type { ValueDecoder } from '../../../../connectors/postgres-source/values/column-type.ts'
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
} from '../../../../connectors/postgres-source/values/decode-time.ts'
import { lost, never, read } from '../../../support/postgres/values.ts'

describe('dates', () => {
  it('agree with those of JavaScript, in both directions', () => {
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

  it('that do not fit 64 bits become null, never another number', () => {
    expect(read(microsDecoder(lost), '294276-12-31 23:59:59.999999')).toBeNull()
    expect(read(decodeMillis, '294276-12-31 23:59:59.999999')).toBe(9_224_318_015_999_999n)
    expect(read(nanosDecoder(lost), '1677-09-21 00:12:43')).toBeNull()
  })

  it('fit 64 bits in nanoseconds', () => {
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

  it('are decoded independently of those before', () => {
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
