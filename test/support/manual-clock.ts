import type { Clock } from '../../src/foundation/clock.ts'
import { repeating } from './repeating.ts'

interface Timer {
  readonly atMs: number
  readonly action: () => void
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number
  readonly #startMs: number
  readonly #timers = new Set<Timer>()

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs
    this.#startMs = startMs
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      const stop = this.after(ms, resolve)
      signal?.addEventListener('abort', () => {
        stop()
        reject(signal.reason as Error)
      })
    })
  }

  after(ms: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, action }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  every(ms: number, action: () => void): () => void {
    return repeating(this, ms, action)
  }

  /** Moves time on, running the timers that fall due in their order. */
  advance(ms: number): void {
    const target = this.#nowMs + ms
    for (;;) {
      const next = [...this.#timers].filter((timer) => timer.atMs <= target).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.action()
    }
    this.#nowMs = target
  }
}
