import { BrokerError } from '../broker-error.ts'

/** Shortens text that a client sent, so that the message fits into a string of the response. */
const maxMessageLength = 1000

/** Text of a client within a message that the client gets. */
export function clipped(text: string): string {
  return text.length <= maxMessageLength ? text : `${text.slice(0, maxMessageLength)}…`
}

/** A request about a topic that cannot be met; `errorCode` is the protocol's number for it. */
export class TopicError extends BrokerError {
  readonly errorCode: number

  constructor(errorCode: number, message: string, options?: { readonly cause?: unknown }) {
    super(clipped(message), options)
    this.errorCode = errorCode
  }
}
