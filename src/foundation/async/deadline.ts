import { abortable } from './abortable.ts'
import type { Clock } from '../clock.ts'

/** An operation did not end before its deadline. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError'
}

/** How long an operation may take, and what else may end it. */
export interface Deadline {
  readonly clock: Clock
  readonly ms: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Returns the result of `action`. When the deadline passes or `signal` fires, the signal given to `action` fires, and the
 * wait ends even if the action ignores it.
 * @throws DeadlineExceededError, or the reason of `signal`
 */
export async function withDeadline<T>(
  { clock, ms, signal }: Deadline,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const bound = new AbortController()
  const onAbort = (): void => bound.abort(signal?.reason)
  const cancel = clock.after(ms, () => bound.abort(new DeadlineExceededError(`timed out after ${Math.round(ms)} ms`)))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await abortable(action(bound.signal), bound.signal)
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Returns the promise's value, or null when it fails or does not settle within `ms`. */
export async function settledWithin<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>()
  const cancel = clock.after(ms, () => late.resolve(null))
  try {
    return await Promise.race([promise.catch(() => null), late.promise])
  } finally {
    cancel()
  }
}
