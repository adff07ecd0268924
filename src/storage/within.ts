import { RetriableError } from '../api/errors.ts'
import type { Clock } from '../foundation/clock.ts'

/**
 * Runs `action` for at most `ms`: its signal fires then, and the wait ends even if the action does not heed it.
 * @throws RetriableError when the time is up, or the given signal's reason.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bound = new AbortController()
  const late = Promise.withResolvers<never>()
  const stop = (reason: unknown): void => {
    bound.abort(reason)
    late.reject(reason)
  }
  const onAbort = (): void => stop(signal?.reason)
  const cancel = clock.after(ms, () => stop(new RetriableError(`it took more than ${ms} ms`)))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    return await Promise.race([action(bound.signal), late.promise])
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
