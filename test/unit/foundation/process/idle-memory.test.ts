import { describe, expect, it, vi } from 'vitest'

import { IdleMemory } from '../../../../src/foundation/process/idle-memory.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

describe('idle memory', () => {
  it('is given back once per rest, and not while something happens', () => {
    const clock = new ManualClock()
    const collect = vi.fn<() => void>()
    const memory = new IdleMemory(clock, 10_000, collect)
    clock.advance(9_000)
    expect(collect).not.toHaveBeenCalled()
    memory.active()
    clock.advance(9_000)
    expect(collect).not.toHaveBeenCalled()
    clock.advance(60_000)
    expect(collect).toHaveBeenCalledTimes(1)
    memory.active()
    clock.advance(60_000)
    expect(collect).toHaveBeenCalledTimes(2)
    memory.close()
    expect(clock.pending).toBe(0)
  })

  it('is collected by the engine', () => {
    const clock = new ManualClock()
    const memory = new IdleMemory(clock, 0)
    expect(() => clock.advance(5_000)).not.toThrow()
    memory.close()
  })
})
