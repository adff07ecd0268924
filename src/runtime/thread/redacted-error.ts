import type { Redaction } from '../../config/providers/redaction.ts'
import type { TransferredError } from './transferred-error.ts'

/** Returns the error without resolved secrets (I8). */
export function redactedError(error: TransferredError, redaction: Redaction): TransferredError {
  const { kind, stage } = error
  return { ...redaction.value(error), kind, stage }
}
