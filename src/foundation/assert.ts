/** An invariant is broken: a programming error. It is never retried and never reported as a user's mistake. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** @throws AssertionError unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Returns the value, which must not be null or undefined. @throws AssertionError if it is. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionError(`${what} is missing`)
  return value
}

/** Closes an exhaustive switch. */
export function unreachable(value: never, what: string): never {
  throw new AssertionError(`unexpected ${what}: ${String(value)}`)
}
