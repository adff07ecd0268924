import { describe, expect, it } from 'vitest'

import { roundRobinAssignor } from '../../../../../src/client/group/assignors/round-robin-assignor.ts'
import { member, shares } from './group-of.ts'

// The examples are those of Kafka's documentation of its assignor.
describe('the round-robin assignor', () => {
  it('gives the partitions of all topics in turn', () => {
    const members = [member('c1', 't u'), member('c0', 't u')]
    expect(shares(roundRobinAssignor, members, { t: 3, u: 3 })).toEqual({ c0: 't0 t2 u1', c1: 't1 u0 u2' })
  })

  it('passes over members that do not subscribe to a topic', () => {
    const members = [member('c0', 't'), member('c1', 't u'), member('c2', 't u v')]
    expect(shares(roundRobinAssignor, members, { t: 1, u: 2, v: 3 })).toEqual({
      c0: 't0',
      c1: 'u0',
      c2: 'u1 v0 v1 v2',
    })
  })

  it('returns members without partitions, and no topics that do not exist', () => {
    const members = [member('a', 'gone'), member('b', 't gone')]
    expect(shares(roundRobinAssignor, members, { t: 1 })).toEqual({ a: '', b: 't0' })
  })

  it('orders static members by their instance ids', () => {
    const members = [member('a', 't', { instanceId: '2' }), member('b', 't', { instanceId: '1' })]
    expect(shares(roundRobinAssignor, members, { t: 2 })).toEqual({ b: 't0', a: 't1' })
  })
})
