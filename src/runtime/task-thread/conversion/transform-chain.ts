import { errorMessage } from '../../../foundation/error-message.ts'
import type { Predicate, Transform } from '../../../api/converter.ts'
import { ConnectError, DataError, NotReadyError } from '../../../api/errors.ts'
import type { ConnectRecord, SinkRecord } from '../../../api/record.ts'
import { ConversionNotReadyError } from './conversion-not-ready-error.ts'

/** One configured transform, applied if its predicate matches. */
export interface TransformStep {
  readonly alias: string
  /** The name of the transform's class, for error reports. */
  readonly className?: string
  readonly transform: Transform
  readonly predicate: Predicate | null
  readonly negate: boolean
}

/** Returns the record after all steps; null when one dropped it. @throws ConnectError that names the failed transform; ConversionNotReadyError */
export function applyTransforms<R extends ConnectRecord>(steps: readonly TransformStep[], record: R): R | null {
  let current: R = record
  for (const step of steps) {
    const next = applyStep(step, current)
    if (next === null) return null
    current = next
  }
  return current
}

function applyStep<R extends ConnectRecord>(step: TransformStep, record: R): R | null {
  try {
    if (step.predicate !== null && step.predicate.test(record) === step.negate) return record
    return step.transform.apply(record)
  } catch (error) {
    const explain = (why: unknown): ConnectError => failed(step, record, why)
    throw error instanceof NotReadyError ? new ConversionNotReadyError(error, explain) : explain(error)
  }
}

function failed(step: TransformStep, record: ConnectRecord, error: unknown): ConnectError {
  const Kind = error instanceof DataError ? DataError : ConnectError
  return new Kind(`transform "${step.alias}" failed on ${placeOf(record)}: ${errorMessage(error)}`, {
    cause: error,
    stage: 'TRANSFORMATION',
    executingClass: step.className,
  })
}

/** A record of a sink has a place in a topic; that of a source has its own in the source. */
function placeOf(record: ConnectRecord): string {
  const sink = record as Partial<SinkRecord>
  if (sink.originalTopic === undefined) return `a record of topic ${record.topic}`
  return `the record ${sink.originalTopic}-${sink.originalPartition}@${sink.originalOffset}`
}
