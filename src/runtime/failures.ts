import type { ConnectorFailure } from './connector-listener.ts'
import { DeadlineExceededError } from '../foundation/async/deadline.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { ConfigError, DataError, RetriableError } from '../api/errors.ts'
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

/** System errors, of Node and its HTTP client, after which another connection may succeed. */
const lostConnection =
  /^(?:ECONN(?:REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|EAI_AGAIN|ENOTFOUND|UND_ERR_(?:SOCKET|\w+_TIMEOUT))$/
/** SQLSTATEs of a lost connection, of a server that restarts, and of one with too many connections. */
const serverAway = /^(?:08\w{3}|57P0[1-3]|53300)$/
/** The maximum number of causes of an error, which may be a circle. */
const maxCauses = 20

/**
 * Returns whether the reason of a failure may pass, so that a restart may help: lost connections, timeouts, servers that restart.
 * The first error of the causes that says something decides. Configurations, data and authorization never pass by themselves.
 */
export function isTransient(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < maxCauses; at = at.cause, depth += 1) {
    if (at instanceof ConfigError || at instanceof DataError) return false
    if (isRetriable(at)) return true
    if (at instanceof KafkaError) return false
    const code: unknown =
      Reflect.get(at, 'code') ?? (at instanceof AggregateError ? Reflect.get(Object(at.errors[0]), 'code') : null)
    if (typeof code === 'string' && (lostConnection.test(code) || serverAway.test(code))) return true
  }
  return false
}

/** Returns the code of the error, such as `PG_CONNECTION_LOST`; null when it has none. */
export function codeOf(error: unknown): string | null {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : null
}

/** Returns the stack with its causes, for status records. */
export function traceOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  const isLast = error.cause === undefined || depth === maxCauses
  return isLast ? own : `${own}\nCaused by: ${traceOf(error.cause, depth + 1)}`
}

/** Stops a task that has failed or ended; an error of `stop` is only logged. */
export async function stopQuietly(task: { stop(): Promise<void> }, logger: Logger): Promise<void> {
  try {
    await task.stop()
  } catch (error) {
    logger.warn(`the task's stop failed: ${errorMessage(error)}`, { error })
  }
}

/** Returns how a connector failed by an error. */
export function connectorFailure(error: unknown): ConnectorFailure {
  return { trace: traceOf(error), isTransient: isTransient(error) }
}
