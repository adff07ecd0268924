import { describe, expect, it } from 'vitest'

import { rangeAssignor } from '../../../../../src/client/group/assignors/range-assignor.ts'
import { member, shares } from './group-of.ts'

describe('the range assignor', () => {
  it('gives runs of partitions, the first members one more', () => {
    const members = [member('b', 't'), member('a', 't'), member('c', 't')]
    expect(shares(rangeAssignor, members, { t: 7 })).toEqual({ a: 't0 t1 t2', b: 't3 t4', c: 't5 t6' })
  })

  it('shares each topic among those who want it', () => {
    const members = [member('a', 's t'), member('b', 't')]
    expect(shares(rangeAssignor, members, { s: 1, t: 2 })).toEqual({ a: 's0 t0', b: 't1' })
  })

  it('returns members without partitions, and no topics that do not exist', () => {
    const members = [member('a', 't gone'), member('b', 't')]
    expect(shares(rangeAssignor, members, { t: 1 })).toEqual({ a: 't0', b: '' })
  })

  it('orders static members by their instance ids, before dynamic ones', () => {
    const members = [member('a', 't'), member('c', 't', { instanceId: '1' }), member('b', 't', { instanceId: '2' })]
    expect(shares(rangeAssignor, members, { t: 3 })).toEqual({ c: 't0', b: 't1', a: 't2' })
  })
})
