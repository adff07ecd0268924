import { exitCodes } from '../../foundation/process/exit-codes.ts'

/** Ends a command. The message says what failed, on what, and what to do; it is all that the user sees. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
