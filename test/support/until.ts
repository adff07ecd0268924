import { systemClock } from 'penstock/api'
import { vi } from 'vitest'

/** Waits until a condition holds, and looks every few milliseconds. Fails with what was expected. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const end = systemClock.monotonic() + deadlineMs
  while (!(await holds())) {
    if (systemClock.monotonic() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await systemClock.sleep(5)
  }
}

/** Waits until an expectation passes, and answers with what it does. Fails with its last failure. */
export function untilPasses<T>(expectation: () => T | Promise<T>, deadlineMs = 20_000): Promise<T> {
  return vi.waitFor(expectation, { timeout: deadlineMs, interval: 5 })
}
