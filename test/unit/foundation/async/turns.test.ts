import { describe, expect, it } from 'vitest'

import { Turns } from '../../../../src/foundation/async/turns.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

/** Turns of 10 ms whose event loop comes round when the test says so. */
function made(): { turns: Turns; clock: ManualClock; round: () => Promise<void>; done: string[]; work: Work } {
  const clock = new ManualClock()
  const due: (() => void)[] = []
  const turns = new Turns(clock, 10, (action) => due.push(action))
  const done: string[] = []
  const work: Work = (name, ms, isUrgent) =>
    turns.take(() => {
      clock.advance(ms)
      done.push(name)
    }, isUrgent)
  const round = async (): Promise<void> => {
    for (const action of due.splice(0)) action()
    // Work of one round follows in microtasks.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { turns, clock, round, done, work }
}

type Work = (name: string, ms: number, isUrgent?: boolean) => void

describe('turns', () => {
  it('start work immediately during a slice, and the rest after a round of the event loop', async () => {
    const { round, done, work } = made()
    for (const name of ['a', 'b', 'c', 'd', 'e']) work(name, 6)
    expect(done).toEqual(['a', 'b'])
    await round()
    expect(done).toEqual(['a', 'b', 'c', 'd'])
    await round()
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e'])
    await round()
    work('f', 6)
    expect(done.at(-1)).toBe('f')
  })

  it('begin a new slice when the loop came round, however much time has passed', async () => {
    const { round, done, work } = made()
    work('a', 12)
    await round()
    work('b', 12)
    expect(done).toEqual(['a', 'b'])
  })

  it('serve urgent work before other work, and let neither starve the other', async () => {
    const { round, done, work } = made()
    work('first', 12)
    for (const name of ['a', 'b']) work(name, 6)
    for (const name of ['u', 'v']) work(name, 6, true)
    await round()
    expect(done).toEqual(['first', 'u', 'a'])
    await round()
    expect(done).toEqual(['first', 'u', 'a', 'v', 'b'])
  })

  it('continue with other work after an error', async () => {
    const { turns, round, done, work } = made()
    work('first', 12)
    turns.wait(() => {
      throw new RangeError('x')
    })
    turns.wait(() => done.push('next'))
    await expect(round()).rejects.toThrow('x')
    await round()
    expect(done).toEqual(['first', 'next'])
  })

  it('pass over who has left', async () => {
    const { turns, clock, round, done } = made()
    const leaver = (): unknown => done.push('left')
    turns.wait(leaver)
    turns.wait(() => done.push('stayed'))
    turns.leave(leaver)
    await round()
    expect(done).toEqual(['stayed'])
    clock.advance(100)
    expect(turns.mayStart()).toBe(false)
    await round()
    expect(turns.mayStart()).toBe(true)
  })
})
