import { setTimeout as delay } from 'node:timers/promises'

/** Time, as a seam: tests own it; nothing else calls Date.now, setTimeout or setInterval. */
export interface Clock {
  /** Milliseconds of the epoch. */
  now(): number
  /** Monotonic milliseconds, with a fraction. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when it fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `action` once after `ms`; the answer cancels it. */
  after(ms: number, action: () => void): () => void
  /** Calls `action` every `ms`; the answer stops it. */
  every(ms: number, action: () => void): () => void
}

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw error
    }
  },
  after(ms, action) {
    const timer = setTimeout(action, ms)
    return () => clearTimeout(timer)
  },
  every(ms, action) {
    const timer = setInterval(action, ms)
    return () => clearInterval(timer)
  },
}
