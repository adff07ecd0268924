import { systemClock, type Clock } from '../../src/foundation/clock.ts'

/** A clock whose sleeps take a hundredth of their time. Its monotonic time, and so deadlines, can be made to run faster. */
export class HastyClock implements Clock {
  /** How many times as fast as in reality monotonic time passes. */
  speed = 1
  readonly now: Clock['now'] = () => systemClock.now()
  readonly after: Clock['after'] = (ms, action) => systemClock.after(ms, action)
  readonly every: Clock['every'] = (ms, action) => systemClock.every(ms, action)

  monotonic(): number {
    return systemClock.monotonic() * this.speed
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms / 100, signal)
  }
}
