import { ConnectError, type Stage } from '../../../api/errors.ts'

/** Where and by what a record failed, as Kafka Connect's error reports have it (KIP-298). */
export interface RecordFailure {
  readonly stage: Stage
  /** The name of the class of the converter or transform that failed; null if it has none. */
  readonly executingClass: string | null
  /** What it threw. */
  readonly error: unknown
}

/** Returns the failure that the error of a stage explains; null for one that does not concern a single record. */
export function failureOf(error: unknown): RecordFailure | null {
  if (!(error instanceof ConnectError) || error.stage === null) return null
  const { stage, executingClass, cause } = error
  return { stage, executingClass, error: cause ?? error }
}
