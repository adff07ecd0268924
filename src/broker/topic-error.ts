import { BrokerError } from './broker-error.ts'

/** A request about a topic that cannot be met; `errorCode` is the protocol's number for it. */
export class TopicError extends BrokerError {
  readonly errorCode: number

  constructor(errorCode: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.errorCode = errorCode
  }
}
