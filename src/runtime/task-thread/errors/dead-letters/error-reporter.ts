import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import type { OutgoingRecord } from '../../../../client/producer/outgoing-record.ts'
import type { TaskId } from '../../../../config/connector/task-id.ts'
import { letterHeaders } from '../../../../storage/dead-letters/letter-context.ts'
import { contextHeaders } from './context-headers.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import type { RecordFailure } from '../record-failure.ts'

/** Receives the records of a task that have failed, besides the log. */
export interface ErrorReporter<Source> {
  /** What becomes of the records: `skipped`, for the status. */
  readonly outcome: string
  /** @throws what fails the task */
  report(record: Source, failure: RecordFailure): void
  /** Null while it can take more; otherwise resolves when it can. */
  room(): Promise<void> | null
}

export interface DeadLetterForm {
  readonly topic: string
  /** Null: dead letters have no headers but their own. */
  readonly context: { readonly task: TaskId; readonly redact: (text: string) => string } | null
}

/**
 * Returns a consumed record as a dead letter: its bytes and time, with Kafka Connect's headers behind its own, and behind those the
 * id of its topic: a topic that is created again has other records at the same offsets.
 * @param topicId null if it is not known
 */
export function deadLetterOf(
  record: FetchedRecord,
  failure: RecordFailure,
  form: DeadLetterForm,
  topicId: string | null,
): OutgoingRecord {
  const { key, value, timestamp, headers } = record
  const { topic, context } = form
  const idHeaders = topicId === null ? [] : [{ key: letterHeaders.topicId, value: Buffer.from(topicId) }]
  return {
    topic,
    partition: null,
    key,
    value,
    headers:
      context === null
        ? headers
        : [...headers, ...contextHeaders(context.task, failure, record, context.redact), ...idHeaders],
    timestamp: timestamp < 0 ? null : timestamp,
  }
}

/** Writes consumed records to a dead letter queue. */
export function deadLetterReporter(
  queue: Pick<DeadLetterQueue, 'add' | 'room'>,
  form: DeadLetterForm,
  topicId: (topic: string) => string | null,
): ErrorReporter<FetchedRecord> {
  return {
    outcome: `sent to the dead letter queue ${form.topic}`,
    report: (record, failure) => queue.add(deadLetterOf(record, failure, form, topicId(record.topic))),
    room: () => queue.room(),
  }
}
