import { errorMessage } from '../foundation/error-message.ts'
import { backoffMs, type Backoff } from '../foundation/async/backoff.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { isRetriable } from './errors.ts'

const logEveryMs = 30_000

/** How to retry. */
export interface RetryOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly backoff: Backoff
  /** A description for log lines: `find the coordinator of group g`. */
  readonly what: string
  readonly signal?: AbortSignal | undefined
  /** Which errors are retried; the client's retriable errors by default. */
  readonly when?: (error: unknown) => boolean
  /** Milliseconds after which the last error is thrown; retries indefinitely by default. */
  readonly withinMs?: number | undefined
}

/**
 * Calls `action` until it succeeds, with back-off between attempts. Logs failures from the second one on, at most every 30
 * seconds. @throws the error of the last attempt, or the signal's reason.
 */
export async function retrying<T>(options: RetryOptions, action: () => Promise<T>): Promise<T> {
  const { clock, signal } = options
  const when = options.when ?? isRetriable
  const startedAt = clock.monotonic()
  let loggedAt = Number.NEGATIVE_INFINITY
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      return await action()
    } catch (error) {
      const waitMs = backoffMs(options.backoff, attempt)
      const elapsedMs = clock.monotonic() - startedAt
      if (!when(error) || (options.withinMs !== undefined && elapsedMs + waitMs > options.withinMs)) throw error
      if (elapsedMs - loggedAt >= logEveryMs && attempt > 1) {
        loggedAt = elapsedMs
        const reason = errorMessage(error)
        options.logger.warn(`cannot ${options.what}, retrying: ${reason}`, { attempt })
      }
      await clock.sleep(waitMs, signal)
    }
  }
}
