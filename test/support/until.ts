import { systemClock } from 'penstock/api'
import { vi } from 'vitest'

/**
 * How long a test waits before it calls a wait a hang. It says nothing of how fast the product is: a loaded machine may stand
 * still for many seconds, so no test may name a shorter one.
 */
export const patienceMs = 60_000

/** Waits until a condition holds, and looks every few milliseconds. Fails with what was expected. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  deadlineMs = patienceMs,
): Promise<void> {
  const end = systemClock.monotonic() + deadlineMs
  while (!(await holds())) {
    if (systemClock.monotonic() > end)
      throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`)
    await systemClock.sleep(5)
  }
}

/** Waits until an expectation passes, and returns its result. Fails with its last failure. */
export function untilPasses<T>(expectation: () => T | Promise<T>, deadlineMs = patienceMs): Promise<T> {
  return vi.waitFor(expectation, { timeout: deadlineMs, interval: 5 })
}
