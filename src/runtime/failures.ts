import { RetriableError } from '../api/errors.ts'
import { KafkaError } from '../client/errors.ts'
import type { Backoff } from '../foundation/backoff.ts'

/** How a task that meets a RetriableError waits: for ever, but never longer than this between attempts. */
export const taskBackoff: Backoff = { initialMs: 200, maxMs: 10_000 }

/** Whether the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof KafkaError) return error.retriable
  return error instanceof RetriableError
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The stack with its causes, as status records carry it. */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\nCaused by: ${traceOf(error.cause)}`
}
