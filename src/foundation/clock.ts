import { setTimeout as delay } from 'node:timers/promises'

/** The only source of time: nothing else calls Date.now, setTimeout or setInterval, so that tests control it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Monotonic milliseconds, with a fraction. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when it fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `action` once after `ms`. Returns a function that cancels it. */
  after(ms: number, action: () => void): () => void
  /** Calls `action` every `ms`. Returns a function that stops it. */
  every(ms: number, action: () => void): () => void
}

/** A deadline may have passed while the process was stopped. Node warns of negative times. */
function timerMs(ms: number): number {
  return Math.max(0, ms)
}

/** The clock of the operating system. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(timerMs(ms), undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw error
    }
  },
  after(ms, action) {
    const timer = setTimeout(action, timerMs(ms))
    return () => clearTimeout(timer)
  },
  every(ms, action) {
    const timer = setInterval(action, ms)
    return () => clearInterval(timer)
  },
}

/** The clocks of the process: each of its threads reads the same values. Milliseconds. */
export interface ProcessClock {
  /** Does not count time in which the machine was suspended. */
  monotonic(): number
  wall(): number
}

export const processClock: ProcessClock = {
  // `performance.now` has another origin in each thread.
  monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
  wall: () => Date.now(),
}
