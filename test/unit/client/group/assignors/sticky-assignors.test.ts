import { describe, expect, it } from 'vitest'

import { cooperativeStickyAssignor } from '../../../../../src/client/group/assignors/cooperative-sticky-assignor.ts'
import { encodeLastAssignment, stickyAssignor } from '../../../../../src/client/group/assignors/sticky-assignor.ts'
import { member, partitionsOf, shares } from './group-of.ts'

const generationOnly = (generation: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(generation)
  return bytes
}

describe('the sticky assignor', () => {
  const had = (partitions: string, generation: number): { readonly userData: Buffer } => ({
    userData: encodeLastAssignment({ partitions: partitionsOf(partitions), generation }),
  })

  it("writes Kafka's user data: the last assignment and its generation", () => {
    expect(stickyAssignor.userData(null)).toBeNull()
    const last = { partitions: partitionsOf('t0 t2 u1'), generation: 3 }
    expect(stickyAssignor.userData(last)?.toString('hex')).toBe(
      '00000002' +
        ('000174' + '00000002' + '00000000' + '00000002') +
        ('000175' + '00000001' + '00000001') +
        '00000003',
    )
  })

  it('gives members what they had, and a new one no more than its share', () => {
    const members = [member('a', 't', had('t0 t1 t2', 1)), member('b', 't', had('t3 t4 t5', 1)), member('c', 't')]
    expect(shares(stickyAssignor, members, { t: 6 })).toEqual({ a: 't0 t1', b: 't3 t4', c: 't2 t5' })
  })

  it('reads user data of version 0, which counts as older than all others', () => {
    const version0 = Buffer.from('00000001' + '000174' + '00000001' + '00000000', 'hex')
    const alone = [member('a', 't'), member('b', 't', { userData: version0 })]
    expect(shares(stickyAssignor, alone, { t: 2 })).toEqual({ a: 't1', b: 't0' })
    const contested = [member('a', 't', { userData: version0 }), member('b', 't', had('t0', 1))]
    expect(shares(stickyAssignor, contested, { t: 2 })).toEqual({ a: 't1', b: 't0' })
  })

  it('takes user data that it cannot read for none', () => {
    const members = [member('a', 't', { userData: Buffer.from('garbage') }), member('b', 't', had('t0', 1))]
    expect(shares(stickyAssignor, members, { t: 2 })).toEqual({ a: 't1', b: 't0' })
  })
})

describe('the cooperative sticky assignor', () => {
  it('writes the generation of the last assignment as user data, as Kafka does', () => {
    expect(cooperativeStickyAssignor.userData(null)?.toString('hex')).toBe('ffffffff')
    expect(cooperativeStickyAssignor.userData({ partitions: [], generation: 258 })?.toString('hex')).toBe('00000102')
  })

  it('assigns a partition that is to move to no member, and to its new one when the owner has revoked it', () => {
    const [a, b] = [member('a', 't', { owned: 't0 t1 t2', generation: 1 }), member('b', 't')]
    expect(shares(cooperativeStickyAssignor, [a, b], { t: 3 })).toEqual({ a: 't0 t1', b: '' })
    const revoked = [member('a', 't', { owned: 't0 t1', generation: 2 }), member('b', 't', { generation: 2 })]
    expect(shares(cooperativeStickyAssignor, revoked, { t: 3 })).toEqual({ a: 't0 t1', b: 't2' })
  })

  it('gives a partition that two members claim to the one of the later generation, and nothing of it to others yet', () => {
    const members = [
      member('a', 't', { owned: 't0 t1', generation: 4 }),
      member('b', 't', { owned: 't1 t2', generation: 5 }),
      member('c', 't', { generation: 5 }),
    ]
    expect(shares(cooperativeStickyAssignor, members, { t: 3 })).toEqual({ a: 't0', b: 't1', c: '' })
  })

  it('takes the generation of members without that field from their user data', () => {
    const members = [
      member('a', 't', { owned: 't0 t1', userData: generationOnly(4) }),
      member('b', 't', { owned: 't0 t1', userData: generationOnly(5) }),
    ]
    expect(shares(cooperativeStickyAssignor, members, { t: 2 })).toEqual({ a: 't1', b: 't0' })
  })

  it('leaves a partition with neither of two claimants of one generation if its share is with a third', () => {
    const members = [
      member('a', 't', { owned: 't0 t1 t2', generation: 5 }),
      member('b', 't', { owned: 't2 t3 t4', generation: 5 }),
      member('c', 't', { generation: 5 }),
    ]
    expect(shares(cooperativeStickyAssignor, members, { t: 5 })).toEqual({ a: 't0 t1', b: 't3 t4', c: '' })
  })

  it('drops claims to topics that are gone or no longer wanted, and to partitions that do not exist', () => {
    const members = [member('a', 't', { owned: 'gone0 u0 t0 t9', generation: 1 }), member('b', 'u', { generation: 1 })]
    expect(shares(cooperativeStickyAssignor, members, { t: 1, u: 1 })).toEqual({ a: 't0', b: '' })
  })
})
