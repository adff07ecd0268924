/** A promise that is settled from outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/** Returns a pending {@link Deferred}. */
export function deferred<T>(): Deferred<T> {
  return Promise.withResolvers<T>()
}
