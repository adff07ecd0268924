import type { Clock } from '../../src/foundation/clock.ts'

/** `sleep` of a clock that has `after`. */
export async function sleeping(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  const onAbort = (): void => {
    cancel()
    reject(signal?.reason)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  await promise.finally(() => signal?.removeEventListener('abort', onAbort))
}
