import { ConnectError } from '../../api/errors.ts'
import { systemClock } from '../../foundation/clock.ts'

/** Makes a call with a signal that fires after `ms`, with that reason. Waits for the call in any case. */
export async function withSignalAfter<T>(
  ms: number,
  reason: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bound = new AbortController()
  const cancel = systemClock.after(ms, () => bound.abort(new ConnectError(reason)))
  try {
    return await call(bound.signal)
  } finally {
    cancel()
  }
}
