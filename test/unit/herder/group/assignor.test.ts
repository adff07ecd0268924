import { describe, expect, it } from 'vitest'

import { nothingAssigned } from '../../../../src/herder/group/assignment.ts'
import { applyDelta, assignWork, sameWork } from '../../../../src/herder/group/assignor.ts'

const all = { connectors: ['a', 'b'], tasks: [{ connector: 'a', task: 0 }] }

describe('the assignor', () => {
  it('gives one worker everything, as an increment', () => {
    const held = { connectors: ['a'], tasks: [] }
    const change = assignWork('m1', [{ memberId: 'm1', held }], all).get('m1')
    expect(change).toEqual({
      assigned: { connectors: ['b'], tasks: [{ connector: 'a', task: 0 }] },
      revoked: nothingAssigned,
    })
  })

  it('revokes what is configured no more', () => {
    const held = { connectors: ['a', 'gone'], tasks: [{ connector: 'gone', task: 0 }] }
    const change = assignWork('m1', [{ memberId: 'm1', held }], all).get('m1')
    expect(change?.revoked).toEqual({ connectors: ['gone'], tasks: [{ connector: 'gone', task: 0 }] })
  })

  it('gives nothing away that another worker still holds; a round later it does (I3)', () => {
    const other = { memberId: 'm2', held: { connectors: ['a'], tasks: [{ connector: 'a', task: 0 }] } }
    const first = assignWork('m1', [{ memberId: 'm1', held: nothingAssigned }, other], all)
    expect(first.get('m1')?.assigned).toEqual({ connectors: ['b'], tasks: [] })
    expect(first.get('m2')).toEqual({ assigned: nothingAssigned, revoked: other.held })
    const second = assignWork(
      'm1',
      [
        { memberId: 'm1', held: { connectors: ['b'], tasks: [] } },
        { memberId: 'm2', held: nothingAssigned },
      ],
      all,
    )
    expect(second.get('m1')?.assigned).toEqual({ connectors: ['a'], tasks: [{ connector: 'a', task: 0 }] })
  })

  it('leads to the configured set whatever was held', () => {
    const held = { connectors: ['gone', 'b'], tasks: [{ connector: 'b', task: 3 }] }
    const change = assignWork('m1', [{ memberId: 'm1', held }], all).get('m1')
    expect(change).toBeDefined()
    if (change !== undefined) expect(sameWork(applyDelta(held, change), all)).toBe(true)
  })
})
