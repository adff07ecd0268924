/** Exponential back-off with jitter. Milliseconds. */
export interface Backoff {
  readonly initialMs: number
  readonly maxMs: number
}

/**
 * Returns the wait before retry `attempt` (from 1): between half of `initialMs × 2^(attempt-1)`, capped at `maxMs`, and all
 * of it. @param random in [0, 1).
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number = Math.random()): number {
  const ceiling = Math.min(backoff.maxMs, backoff.initialMs * 2 ** Math.min(attempt - 1, 30))
  return ceiling / 2 + (ceiling / 2) * random
}
