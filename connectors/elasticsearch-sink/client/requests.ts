import { ConnectError, RetriableError } from 'penstock/api'
import type { Retries, Trouble, TroubleCode } from './retries.ts'
import type { Answer, Request, Transport } from './transport.ts'

/** Whether a status says that another attempt may succeed. Every 5xx does: what it names differs between versions. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408
}

/** The condition that a passing status stands for. */
export function passingCode(status: number): TroubleCode {
  return status === 429 ? 'ES_OVERLOADED' : 'ES_UNAVAILABLE'
}

/**
 * Why an answer is no verdict of Elasticsearch; null when it is one. Whatever it refuses, it says so in JSON of its own:
 * another body is that of a proxy, a load balancer or a login page. The response to HEAD has no body, whoever gives it, and a
 * request that is too large for a proxy (413) does not get smaller.
 */
export function troubleOf(
  { status, body }: Answer,
  { method, path }: Pick<Request, 'method' | 'path'>,
): Trouble | null {
  if (status < 300) return null
  if (isPassing(status))
    return { code: passingCode(status), reason: `HTTP ${status} to ${method} ${path}: ${body.slice(0, 300)}` }
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

/** Why an answer says nothing: {@link troubleOf}, or a success without its JSON. */
export function doubtOf(answer: Answer, request: Pick<Request, 'method' | 'path'>): Trouble | null {
  return troubleOf(answer, request) ?? cutOf(answer, request)
}

/** Sends until a whole answer comes that is Elasticsearch's verdict. */
export async function requestPatiently(transport: Transport, request: Request, retries: Retries): Promise<Answer> {
  const streak = retries.begin()
  for (;;) {
    let trouble: Trouble | null
    try {
      const answer = await transport.request(request)
      trouble = doubtOf(answer, request)
      if (trouble === null) {
        streak.over()
        return answer
      }
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
      trouble = { code: 'ES_UNAVAILABLE', reason: error.message }
    }
    await streak.wait(trouble, request.signal)
  }
}

function cutOf({ status, body }: Answer, { method, path }: Pick<Request, 'method' | 'path'>): Trouble | null {
  if (status >= 300 || body === '' || parsed(body) !== undefined) return null
  const reason = `the answer to ${method} ${path} is cut or no JSON: ${body.slice(0, 200)}`
  return { code: 'ES_UNAVAILABLE', reason }
}

/** Undefined where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The error of an answer that says no: with what was asked, and what to do where that is known. */
export function refusal(what: string, answer: Answer): ConnectError {
  const advice =
    answer.status === 401
      ? '. Check connection.username and connection.password, or connection.api.key'
      : answer.status === 403
        ? '. Grant the user the privileges create_index, view_index_metadata, read and write on the indices'
        : ''
  return new ConnectError(`${what}: HTTP ${answer.status} ${answer.body.slice(0, 1000)}${advice}`, {
    code: answer.status === 401 || answer.status === 403 ? 'ES_DENIED' : 'ES_REFUSED',
  })
}
