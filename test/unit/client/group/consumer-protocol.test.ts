import { describe, expect, it } from 'vitest'

import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../src/client/group/consumer-protocol.ts'
import { ProtocolError } from '../../../../src/protocol/protocol-error.ts'

const subscription = {
  topics: ['b', 'a'],
  userData: Buffer.from([7]),
  owned: [
    { topic: 'b', partition: 1 },
    { topic: 'a', partition: 3 },
    { topic: 'a', partition: 2 },
  ],
  generation: 5,
}

const topics = '00000002' + '000161' + '000162'
const userData = '00000001' + '07'
const owned = '00000002' + '000161' + '00000002' + '00000002' + '00000003' + '000162' + '00000001' + '00000001'
const generation = '00000005'
const noRack = 'ffff'
const bytesOf = [
  '0000' + topics + userData,
  '0001' + topics + userData + owned,
  '0002' + topics + userData + owned + generation,
  '0003' + topics + userData + owned + generation + noRack,
]

describe('the consumer protocol', () => {
  it("writes Kafka's bytes of each version of a subscription, and the newest by itself", () => {
    expect(bytesOf.map((_, version) => encodeSubscription(subscription, version).toString('hex'))).toEqual(bytesOf)
    expect(encodeSubscription(subscription).toString('hex')).toBe(bytesOf[3])
  })

  it('reads each version of a subscription, and has no partitions or generation where it lacks them', () => {
    const sorted = { ...subscription, topics: ['a', 'b'], owned: [2, 1, 0].flatMap((i) => subscription.owned[i] ?? []) }
    expect(bytesOf.map((bytes) => decodeSubscription(Buffer.from(bytes, 'hex')))).toEqual([
      { ...sorted, owned: [], generation: -1 },
      { ...sorted, generation: -1 },
      sorted,
      sorted,
    ])
  })

  it('reads a later version as the newest that it knows, without what that one appends', () => {
    const later = `0009${bytesOf[3]?.slice(4)}0badcafe`
    expect(decodeSubscription(Buffer.from(later, 'hex'))).toMatchObject({ topics: ['a', 'b'], generation: 5 })
  })

  it('refuses bytes that are no subscription', () => {
    for (const bytes of ['ffff' + topics, '0003' + topics, '00'])
      expect(() => decodeSubscription(Buffer.from(bytes, 'hex')), bytes).toThrow(ProtocolError)
  })

  it("writes Kafka's bytes of an assignment, and reads them", () => {
    expect(encodeAssignment([{ topic: 'a', partition: 1 }]).toString('hex')).toBe(
      '0000' + '00000001' + '000161' + '00000001' + '00000001' + 'ffffffff',
    )
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 0 },
    ]
    expect(decodeAssignment(encodeAssignment(partitions))).toEqual(partitions)
  })

  it('reads an empty assignment as no partitions', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
  })
})
