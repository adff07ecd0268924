import { systemClock } from 'penstock/api'

/** Waits until a condition holds, and looks every few milliseconds. Fails with what was expected. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const end = systemClock.monotonic() + deadlineMs
  while (!(await holds())) {
    if (systemClock.monotonic() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await systemClock.sleep(5)
  }
}
