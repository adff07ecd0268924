import { describe, expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/client/group/consumer-protocol.ts'
import { assignRanges } from '../../../src/client/group/range-assignor.ts'

describe('the consumer protocol', () => {
  it("writes Kafka's bytes", () => {
    expect(encodeSubscription(['b', 'a']).toString('hex')).toBe('0000' + '00000002' + '000161' + '000162' + 'ffffffff')
    expect(encodeAssignment([{ topic: 'a', partition: 1 }]).toString('hex')).toBe(
      '0000' + '00000001' + '000161' + '00000001' + '00000001' + 'ffffffff',
    )
  })

  it('ignores fields that later versions append', () => {
    // Version 1: topics [a], no user data, owned partitions [].
    const metadata = Buffer.from('0001' + '00000001' + '000161' + 'ffffffff' + '00000000', 'hex')
    expect(decodeSubscription(metadata)).toEqual(['a'])
  })

  it('reads an empty assignment as no partitions', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 0 },
    ]
    expect(decodeAssignment(encodeAssignment(partitions))).toEqual(partitions)
  })
})

describe('the range assignor', () => {
  const shares = (subscriptions: Record<string, string[]>, counts: Record<string, number>) =>
    Object.fromEntries(
      [...assignRanges(new Map(Object.entries(subscriptions)), new Map(Object.entries(counts)))].map(
        ([member, partitions]) => [member, partitions.map(({ topic, partition }) => `${topic}${partition}`).join(' ')],
      ),
    )

  it('gives runs of partitions, the first members one more', () => {
    expect(shares({ b: ['t'], a: ['t'], c: ['t'] }, { t: 7 })).toEqual({ a: 't0 t1 t2', b: 't3 t4', c: 't5 t6' })
  })

  it('shares each topic among those who want it', () => {
    expect(shares({ a: ['s', 't'], b: ['t'] }, { s: 1, t: 2 })).toEqual({ a: 's0 t0', b: 't1' })
  })

  it('returns members without partitions, and no topics that do not exist', () => {
    expect(shares({ a: ['t', 'gone'], b: ['t'] }, { t: 1 })).toEqual({ a: 't0', b: '' })
  })
})
