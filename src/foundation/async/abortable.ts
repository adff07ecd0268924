/**
 * Returns the promise's outcome, or rejects with the signal's reason when the signal fires first. The listener is removed
 * in both cases, so a long-lived signal does not collect them (as it would under `Promise.race`).
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
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
