import { describe, expect, it } from 'vitest'

import { ParkedKeys } from '../../../../../../src/runtime/task-thread/errors/parking/parked-keys.ts'

const record = (offset: number, key: Buffer | string | null, partition = 0) => ({
  topic: 't',
  partition,
  offset,
  key: key === null ? null : Buffer.from(key),
})

describe('parked keys', () => {
  it('are told apart by all bytes of long keys', () => {
    const keys = new ParkedKeys(10)
    const long = Buffer.alloc(1 << 20, 7)
    const other = Buffer.from(long)
    other[other.length - 1] = 8
    keys.park(record(5, long))
    expect(keys.firstBefore(record(6, long))).toBe(5)
    expect(keys.firstBefore(record(6, other))).toBeNull()
    const edge = Buffer.alloc(64, 1)
    keys.park(record(5, edge))
    expect(keys.firstBefore(record(6, edge))).toBe(5)
    expect(keys.firstBefore(record(6, Buffer.concat([edge, edge])))).toBeNull()
  })

  it('do not hold records that come before the first one or have no key', () => {
    const keys = new ParkedKeys(10)
    keys.park(record(5, 'k'))
    keys.park(record(5, null))
    expect([4, 5, 6].map((offset) => keys.firstBefore(record(offset, 'k')))).toEqual([null, null, 5])
    expect(keys.firstBefore(record(6, null))).toBeNull()
    expect(keys.firstBefore(record(6, 'k', 1))).toBeNull()
    // A later letter of the same key says where the first one was.
    keys.park(record(9, 'k'), 2)
    keys.park(record(7, 'k'))
    expect(keys.firstBefore(record(3, 'k'))).toBe(2)
  })

  it('have a limit over all partitions, which keys that are parked already do not reach', () => {
    const keys = new ParkedKeys(2)
    keys.park(record(1, 'a'))
    keys.park(record(2, 'a', 1))
    keys.park(record(3, 'a'))
    expect(() => keys.park(record(4, 'b'))).toThrow(/^PARKED_KEYS_LIMIT: 2 keys are parked .* t-0@4/)
    expect(keys.sizeOf([{ topic: 't', partition: 0 }])).toBe(1)
    keys.clear()
    expect(keys.firstBefore(record(9, 'a'))).toBeNull()
    keys.park(record(4, 'b'))
    expect(keys.firstBefore(record(9, 'b'))).toBe(4)
  })
})
