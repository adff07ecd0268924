import { BrokerError } from '../broker-error.ts'

/** A message names what the client sent, which may be as long as a string can be; the answer has to hold it. */
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
