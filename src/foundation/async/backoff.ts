/** Exponential back-off with full jitter in its upper half. Milliseconds. */
export interface Backoff {
  readonly initialMs: number
  readonly maxMs: number
}

/**
 * The wait before attempt `attempt` (1 for the first retry): `initialMs × 2^(attempt-1)`, capped at `maxMs`,
 * of which a random half is taken off. `random` is in [0, 1).
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number = Math.random()): number {
  const ceiling = Math.min(backoff.maxMs, backoff.initialMs * 2 ** Math.min(attempt - 1, 30))
  return ceiling / 2 + (ceiling / 2) * random
}
