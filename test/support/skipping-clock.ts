import { systemClock, type Clock } from '../../src/foundation/clock.ts'
import { repeating } from './repeating.ts'
import { sleeping } from './sleeping.ts'

interface Timer {
  readonly ms: number
  readonly atMs: number
  readonly cancel: () => void
  readonly action: () => void
}

/** Real time, of which a test can leave stretches out: for what runs against real servers and has to wait for minutes. */
export class SkippingClock implements Clock {
  #skippedMs = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return systemClock.now() + this.#skippedMs
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#skippedMs
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleeping(this, ms, signal)
  }

  after(ms: number, action: () => void): () => void {
    const cancel = systemClock.after(ms, () => this.#run(timer))
    const timer: Timer = { ms, atMs: this.monotonic() + ms, cancel, action }
    this.#timers.add(timer)
    return () => {
      cancel()
      this.#timers.delete(timer)
    }
  }

  every(ms: number, action: () => void): () => void {
    return repeating(this, ms, action)
  }

  /**
   * Whether a timer of that length runs: one that nothing else has. A skip before it was set would be a skip of nothing, so
   * wait for this first.
   */
  isWaiting(ms: number): boolean {
    return [...this.#timers].some((timer) => timer.ms === ms)
  }

  /** Leaves `ms` out: what falls due in them runs at their end, once, in order. */
  skip(ms: number): void {
    this.#skippedMs += ms
    const due = [...this.#timers].filter((timer) => timer.atMs <= this.monotonic()).sort((a, b) => a.atMs - b.atMs)
    for (const timer of due) this.#run(timer)
  }

  #run(timer: Timer): void {
    timer.cancel()
    if (this.#timers.delete(timer)) timer.action()
  }
}
