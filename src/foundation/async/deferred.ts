/** A promise with its levers outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/** A new {@link Deferred}. */
export function deferred<T>(): Deferred<T> {
  return Promise.withResolvers<T>()
}
