import { describe, expect, it } from 'vitest'

import { DeadlineExceededError, settledWithin, withDeadline } from '../../../../src/foundation/async/deadline.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const never = async (): Promise<never> => await new Promise<never>(() => undefined)

describe('withDeadline', () => {
  it('returns the result of an action that ends in time, and leaves no timer', async () => {
    const clock = new ManualClock()
    expect(await withDeadline({ clock, ms: 100 }, async () => 'done')).toBe('done')
    expect(clock.pending).toBe(0)
  })

  it('aborts an action that ignores its signal, and rejects when the deadline passes', async () => {
    const clock = new ManualClock()
    let given: AbortSignal | null = null
    const bounded = withDeadline({ clock, ms: 100 }, async (signal) => {
      given = signal
      return await never()
    })
    clock.advance(100)
    await expect(bounded).rejects.toThrow(new DeadlineExceededError('timed out after 100 ms'))
    expect(given).toMatchObject({ aborted: true })
  })

  it('rejects with the reason of a signal that fires first, or has fired before the action begins', async () => {
    const clock = new ManualClock()
    const stop = new AbortController()
    const bounded = withDeadline({ clock, ms: 100, signal: stop.signal }, never)
    stop.abort(new Error('stopped'))
    await expect(bounded).rejects.toThrow('stopped')
    const begun: string[] = []
    const late = withDeadline({ clock, ms: 100, signal: stop.signal }, async () => begun.push('action'))
    await expect(late).rejects.toThrow('stopped')
    expect(begun).toEqual([])
  })
})

describe('settledWithin', () => {
  it('is null for a promise that fails or does not settle in time', async () => {
    const clock = new ManualClock()
    expect(await settledWithin(clock, 100, Promise.resolve(1))).toBe(1)
    expect(await settledWithin(clock, 100, Promise.reject(new Error('no')))).toBeNull()
    const late = settledWithin(clock, 100, never())
    clock.advance(100)
    expect(await late).toBeNull()
  })
})
