import { ConnectError } from '../api/errors.ts'

/** An error with a status of its own; its message is the answer's. */
export class RestError extends ConnectError {
  readonly status: number

  constructor(status: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.status = status
  }
}

/** Why a request or connection is refused that would take too much: a label of the metric. */
export type Refusal = 'busy' | 'memory' | 'pipelining' | 'connections'

/** The request is refused for now: the client may send it again. */
export class OverloadedError extends RestError {
  readonly refusal: Refusal

  constructor(refusal: Refusal, reason: string) {
    super(503, `The REST API is overloaded: ${reason}. Send the request again later`)
    this.refusal = refusal
  }
}

/** Kafka Connect answers 500, not 400, to bodies that are no JSON or of the wrong shape; clients know that. */
export const malformed = 500

/** An error that no resource raised but the server itself, in the words of Connect's: `HTTP 404 Not Found`. */
export function httpError(status: 404 | 405 | 406 | 415): RestError {
  const reasons = { 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 415: 'Unsupported Media Type' }
  return new RestError(status, `HTTP ${status} ${reasons[status]}`)
}

/** The listener's address cannot be taken. */
export class ListenError extends ConnectError {}
