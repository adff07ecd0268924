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
