import {
  AlreadyExistsError,
  ConfigError,
  ConnectError,
  DataError,
  NotFoundError,
  RetriableError,
} from '../../../../api/errors.ts'
import type { TaskId } from '../../../../config/connector/task-id.ts'
import { RecordTooLargeError } from '../../../../client/errors.ts'
import { errorMessage } from '../../../../foundation/error-message.ts'
import { letterHeaders } from '../../../../storage/dead-letters/letter-context.ts'
import { traceOf } from '../../../failures.ts'
import type { RecordFailure } from '../record-failure.ts'

/** A header of a dead letter. */
export interface ContextHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** Where a record was consumed. */
export interface ConsumedAt {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** The names of Java's classes, of the most specific error first. */
const javaNames: readonly (readonly [new (...given: never[]) => Error, string])[] = [
  [RetriableError, 'org.apache.kafka.connect.errors.RetriableException'],
  [DataError, 'org.apache.kafka.connect.errors.DataException'],
  [ConfigError, 'org.apache.kafka.common.config.ConfigException'],
  [NotFoundError, 'org.apache.kafka.connect.errors.NotFoundException'],
  [AlreadyExistsError, 'org.apache.kafka.connect.errors.AlreadyExistsException'],
  [ConnectError, 'org.apache.kafka.connect.errors.ConnectException'],
  [RecordTooLargeError, 'org.apache.kafka.common.errors.RecordTooLargeException'],
]

/**
 * Returns the headers that say why a record is a dead letter, with Kafka Connect's names, in its order. All values are text.
 * @param redact hides secrets: headers leave the process (I8)
 */
export function contextHeaders(
  task: TaskId,
  { stage, executingClass, error }: RecordFailure,
  place: ConsumedAt | null,
  redact: (text: string) => string,
): readonly ContextHeader[] {
  const text = (name: keyof typeof letterHeaders, value: string): ContextHeader => ({
    key: letterHeaders[name],
    value: Buffer.from(value),
  })
  const at =
    place === null
      ? []
      : [text('topic', place.topic), text('partition', String(place.partition)), text('offset', String(place.offset))]
  return [
    ...at,
    text('connector', task.connector),
    text('task', String(task.task)),
    text('stage', stage),
    text('className', executingClass ?? 'null'),
    text('exception', redact(exceptionName(error))),
    text('message', redact(errorMessage(error))),
    text('stacktrace', redact(traceOf(error))),
  ]
}

/** Returns the name of the class that Kafka Connect would have thrown; that of the error where Java has none. */
export function exceptionName(error: unknown): string {
  for (const [kind, name] of javaNames) if (error instanceof kind) return name
  return error instanceof Error ? error.name : typeof error
}
