import { ConnectError, RetriableError } from 'penstock/api'
import type { Call, Cluster, Response } from './cluster.ts'
import type { Retries, Trouble, TroubleCode } from './retries.ts'

/** Returns whether another attempt may succeed after this status. Every 5xx counts: their use differs between versions. */
export function isTransient(status: number): boolean {
  return status >= 500 || status === 429 || status === 408
}

/** The condition that a transient status stands for. */
export function transientCode(status: number): TroubleCode {
  return status === 429 ? 'ES_OVERLOADED' : 'ES_UNAVAILABLE'
}

/**
 * Returns why a response is no verdict of Elasticsearch; null when it is one. Elasticsearch explains each rejection in JSON
 * of its own: another body comes from a proxy, a load balancer or a login page. A response to HEAD has no body, whatever
 * sent it, and a request that is too large for a proxy (413) stays too large.
 */
export function troubleOf(response: Response): Trouble | null {
  const { status, body, method, path } = response
  if (status < 300) return null
  if (isTransient(status))
    return { code: transientCode(status), reason: `HTTP ${status} to ${method} ${path}: ${body.slice(0, 300)}` }
  if (method === 'HEAD' || status === 413 || isOwnError(body)) return null
  const reason = `HTTP ${status} to ${method} ${path} without an error of Elasticsearch: ${body.slice(0, 200)}`
  return { code: 'ES_FOREIGN_RESPONSE', reason }
}

/** `{"error":{"type":…},"status":…}`; some errors are a text. */
function isOwnError(body: string): boolean {
  const { error, status } = (parsed(body) ?? {}) as { error?: { type?: unknown } | string | null; status?: unknown }
  if (typeof error === 'string') return typeof status === 'number'
  return typeof error?.type === 'string'
}

/** Returns why a response cannot be used: {@link troubleOf}, or a success without its JSON. */
export function unusableBecause(response: Response): Trouble | null {
  return troubleOf(response) ?? cutBecause(response)
}

/** Sends a request, with retries, until a complete response of Elasticsearch comes. @throws ConnectError after `max.retries`. */
export async function requestWithRetry(
  cluster: Cluster,
  retries: Retries,
  signal: AbortSignal,
  call: Call,
): Promise<Response> {
  const streak = retries.begin()
  for (;;) {
    let trouble: Trouble | null
    try {
      const response = await cluster.request(call, signal)
      trouble = unusableBecause(response)
      if (trouble === null) {
        streak.over()
        return response
      }
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
      trouble = { code: 'ES_UNAVAILABLE', reason: error.message }
    }
    await streak.wait(trouble, signal)
  }
}

function cutBecause({ status, body, method, path }: Response): Trouble | null {
  if (status >= 300 || body === '' || parsed(body) !== undefined) return null
  const reason = `the response to ${method} ${path} is cut or is not JSON: ${body.slice(0, 200)}`
  return { code: 'ES_UNAVAILABLE', reason }
}

/** Returns undefined where the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The error of a response that rejects a request: what failed, why, and what to do where that is known. */
export function rejection(what: string, response: Response): ConnectError {
  const advice =
    response.status === 401
      ? '. Check connection.username and connection.password, or connection.api.key'
      : response.status === 403
        ? '. Grant the user the privileges create_index, view_index_metadata, read and write on the indices'
        : ''
  return new ConnectError(`${what}: HTTP ${response.status} ${response.body.slice(0, 1000)}${advice}`, {
    code: response.status === 401 || response.status === 403 ? 'ES_DENIED' : 'ES_REFUSED',
  })
}
