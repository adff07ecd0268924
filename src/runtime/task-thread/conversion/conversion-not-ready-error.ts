import type { ConnectError, NotReadyError } from '../../../api/errors.ts'

/** What the conversion of a record waits for. The record is converted again once that is over. */
export interface ConversionWait {
  /** Resolves when the conversion can succeed. @throws RetriableError, or what {@link explain} explains */
  readonly ready: (signal: AbortSignal) => Promise<void>
  /** The error of the record when it never will. */
  readonly explain: (error: unknown) => unknown
}

/** A converter is not ready for a part of a record, or a transform is not ready for the record. */
export class ConversionNotReadyError extends Error implements ConversionWait {
  override readonly name = 'ConversionNotReadyError'
  readonly ready: (signal: AbortSignal) => Promise<void>
  readonly explain: (error: unknown) => ConnectError

  constructor(cause: NotReadyError, explain: (error: unknown) => ConnectError) {
    super(cause.message, { cause })
    this.ready = cause.ready
    this.explain = explain
  }
}
