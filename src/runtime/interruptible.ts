import { ConnectError } from '../api/errors.ts'
import type { Clock } from '../foundation/clock.ts'

/**
 * The promise's outcome, unless `signal` fires first: then a rejection with its reason. The listener is taken off
 * again, so a signal that lives as long as a task does not collect them (as `Promise.race` would).
 */
export function interruptible<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      promise.catch(() => undefined)
      return
    }
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Something took longer than it may. */
export class TookTooLongError extends ConnectError {}

/** What `action` answers, within `ms`. @throws TookTooLongError, with which the signal given to `action` fires too. */
export async function within<T>(clock: Clock, ms: number, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const bound = new AbortController()
  const cancel = clock.after(ms, () => bound.abort(new TookTooLongError(`it took longer than ${Math.round(ms)} ms`)))
  try {
    return await interruptible(action(bound.signal), bound.signal)
  } finally {
    cancel()
  }
}

/** The promise's value, or null when that takes longer than `ms`, or fails. */
export async function settledWithin<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>()
  const cancel = clock.after(ms, () => late.resolve(null))
  try {
    return await Promise.race([promise.catch(() => null), late.promise])
  } finally {
    cancel()
  }
}
