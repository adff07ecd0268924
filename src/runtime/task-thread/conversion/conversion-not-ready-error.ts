import type { DataError, NotReadyError } from '../../../api/errors.ts'

/** A converter is not ready for a part of a record. The record is converted again once it is. */
export class ConversionNotReadyError extends Error {
  override readonly name = 'ConversionNotReadyError'
  /** Resolves when the conversion can succeed. @throws RetriableError, or what {@link explain} explains */
  readonly ready: (signal: AbortSignal) => Promise<void>
  /** The error of the record when it never will. */
  readonly explain: (error: unknown) => DataError

  constructor(cause: NotReadyError, explain: (error: unknown) => DataError) {
    super(cause.message, { cause })
    this.ready = cause.ready
    this.explain = explain
  }
}
