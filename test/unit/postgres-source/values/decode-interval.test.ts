import { type ConnectValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import {
  decodeIntervalText,
  intervalMicrosDecoder,
} from '../../../../connectors/postgres-source/values/decode-interval.ts'
import { read } from '../../../support/postgres/values.ts'

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
