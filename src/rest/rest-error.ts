import { ConnectError } from '../api/errors.ts'

/** An error with a status of its own. Its message becomes that of the response. */
export class RestError extends ConnectError {
  readonly status: number

  constructor(status: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.status = status
  }
}

/** The limit for which a request or connection is rejected: a label of the metric. */
export type Refusal = 'busy' | 'memory' | 'pipelining' | 'connections'

/** The request is rejected for now: the client may retry it. */
export class OverloadedError extends RestError {
  readonly refusal: Refusal

  constructor(refusal: Refusal, reason: string) {
    super(503, `The REST API is overloaded: ${reason}. Retry the request later`)
    this.refusal = refusal
  }
}

/** Kafka Connect responds with 500, not 400, to bodies that are not JSON or have the wrong shape; clients expect it. */
export const malformed = 500

/** An error that the server raised itself, with the text of Connect's server: `HTTP 404 Not Found`. */
export function httpError(status: 404 | 405 | 406 | 415): RestError {
  const reasons = { 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 415: 'Unsupported Media Type' }
  return new RestError(status, `HTTP ${status} ${reasons[status]}`)
}

/** The listener cannot be bound to its address. */
export class ListenError extends ConnectError {}
