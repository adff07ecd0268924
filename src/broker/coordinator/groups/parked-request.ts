/**
 * Returns the response to a request that may wait for other members. `start` receives the function that responds. If the
 * connection ends or the broker stops first, the response is `otherwise`.
 */
export function parkedRequest<T>(
  signal: AbortSignal,
  otherwise: T,
  start: (respond: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve) => {
    const stop = (): void => resolve(otherwise)
    signal.addEventListener('abort', stop, { once: true })
    start((value) => {
      signal.removeEventListener('abort', stop)
      resolve(value)
    })
    if (signal.aborted) stop()
  })
}
