import { systemClock, type Clock } from '../../src/foundation/clock.ts'

/** A clock whose sleeps take a hundredth of their time. Its monotonic time, and so deadlines, can be made to run faster. */
export class HastyClock implements Clock {
  /** How many times as fast as in reality monotonic time passes. */
  speed = 1
  readonly now = systemClock.now
  readonly after = systemClock.after
  readonly every = systemClock.every

  monotonic(): number {
    return systemClock.monotonic() * this.speed
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms / 100, signal)
  }
}
