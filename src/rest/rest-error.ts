import { ConnectError } from '../api/errors.ts'

/** An error with a status of its own; its message is the answer's. */
export class RestError extends ConnectError {
  readonly status: number

  constructor(status: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.status = status
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
