import { errorMessage } from '../../foundation/error-message.ts'
import {
  AlreadyExistsError,
  ConfigError,
  ConnectError,
  DataError,
  NotFoundError,
  RetriableError,
  type ErrorDetails,
  type Stage,
} from '../../api/errors.ts'
import { isTransient, traceOf } from '../failures.ts'

/** An error as it crosses a thread boundary: structured clone keeps neither classes nor fields. */
export interface TransferredError {
  /** The most specific class of the API that it is an instance of. */
  readonly kind: string
  readonly message: string
  readonly stack: string
  readonly code: string | null
  readonly stage: Stage | null
  readonly topicPartition: string | null
}

/** The classes that are kept on the other side; any other error becomes a ConnectError. */
const classes: Readonly<Record<string, new (message: string, details?: ErrorDetails) => ConnectError>> = {
  AlreadyExistsError,
  ConfigError,
  DataError,
  NotFoundError,
  RetriableError,
}

/** Converts anything thrown for the transfer; causes are kept as text in the stack. */
export function toTransferred(error: unknown): TransferredError {
  const known = error instanceof ConnectError ? error : null
  return {
    // A plugin's class that extends one of these is treated as that class.
    kind:
      Object.entries(classes).find(([, Known]) => error instanceof Known)?.[0] ??
      (isTransient(error) ? 'RetriableError' : 'ConnectError'),
    message: errorMessage(error),
    stack: traceOf(error),
    code: known?.code ?? null,
    stage: known?.stage ?? null,
    topicPartition: known?.topicPartition ?? null,
  }
}

/** Restores the error, with the stack of its own thread. */
export function fromTransferred(transferred: TransferredError): ConnectError {
  const Known = classes[transferred.kind] ?? ConnectError
  const error = new Known(withoutCode(transferred), {
    ...(transferred.code === null ? {} : { code: transferred.code }),
    ...(transferred.stage === null ? {} : { stage: transferred.stage }),
    ...(transferred.topicPartition === null ? {} : { topicPartition: transferred.topicPartition }),
  })
  error.stack = transferred.stack
  return error
}

/** The message already begins with the code, which the constructor puts there. */
function withoutCode({ message, code }: TransferredError): string {
  return code !== null && message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message
}
