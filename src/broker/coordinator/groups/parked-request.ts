/**
 * The answer of a request that may wait for other members: `start` is given the function that answers. When the connection ends
 * or the broker stops first, the answer is `otherwise`.
 */
export function parkedRequest<T>(
  signal: AbortSignal,
  otherwise: T,
  start: (answer: (value: T) => void) => void,
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
