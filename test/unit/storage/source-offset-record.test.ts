import { describe, expect, it } from 'vitest'
import {
  decodeOffsetRecord,
  encodeOffsetKey,
  encodeOffsetValue,
  partitionIdentity,
} from '../../../src/storage/source-offset-record.ts'

describe('records of the offset topic', () => {
  it('keep every digit of a number (I11)', () => {
    const offset = { lsn: 18_446_744_073_709_551_615n, ts: 1.5, done: true, none: null, text: 'ü' }
    const value = encodeOffsetValue(offset)
    expect(value).toBe('{"lsn":18446744073709551615,"ts":1.5,"done":true,"none":null,"text":"ü"}')
    expect(decodeOffsetRecord('["c",{"server":"x"}]', value)).toEqual({
      connector: 'c',
      partition: { server: 'x' },
      offset,
    })
  })

  it('know a partition again whatever the order of its members', () => {
    expect(partitionIdentity({ a: 1, b: 'x' })).toBe(partitionIdentity({ b: 'x', a: 1 }))
    expect(partitionIdentity({ a: '1' })).not.toBe(partitionIdentity({ a: 1 }))
  })

  it('refuse nested values', () => {
    expect(() => encodeOffsetKey('c', { a: { b: 1 } } as never)).toThrow(/primitive types.*field a/)
    expect(() => encodeOffsetValue({ a: [1] } as never)).toThrow(/primitive types/)
    expect(encodeOffsetValue(null)).toBeNull()
  })

  for (const [key, value] of [
    [null, '{}'],
    ['x', '{}'],
    ['["c"]', '{}'],
    ['[1,{}]', '{}'],
    ['["c",[]]', '{}'],
    ['["c",{}]', '5'],
    ['["c",{}]', 'x'],
  ] as const) {
    it(`are refused with a reason: ${key ?? 'null'} ${value}`, () => {
      expect(() => decodeOffsetRecord(key, value)).toThrow(/^its |^it /)
    })
  }
})
