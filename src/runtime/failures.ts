import { DeadlineExceededError } from '../foundation/async/deadline.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { RetriableError } from '../api/errors.ts'
import { KafkaError } from '../client/errors.ts'
import type { Backoff } from '../foundation/async/backoff.ts'
import type { Logger } from '../foundation/logging/logger.ts'

/** How a task waits after a RetriableError. It retries indefinitely. */
export const taskBackoff: Backoff = { initialMs: 200, maxMs: 10_000 }

/** Returns whether the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof KafkaError) return error.retriable
  return error instanceof RetriableError || error instanceof DeadlineExceededError
}

/** Returns the code of the error, such as `PG_CONNECTION_LOST`; null when it has none. */
export function codeOf(error: unknown): string | null {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : null
}

/** Returns the stack with its causes, for status records. */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\nCaused by: ${traceOf(error.cause)}`
}

/** Stops a task that has failed or ended; an error of `stop` is only logged. */
export async function stopQuietly(task: { stop(): Promise<void> }, logger: Logger): Promise<void> {
  try {
    await task.stop()
  } catch (error) {
    logger.warn(`the task's stop failed: ${errorMessage(error)}`, { error })
  }
}
