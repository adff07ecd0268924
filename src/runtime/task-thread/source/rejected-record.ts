import { errorMessage } from '../../../foundation/error-message.ts'
import { ConnectError } from '../../../api/errors.ts'
import type { SourceOffset } from '../../../api/record.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { RecordTooLargeError } from '../../../client/errors.ts'

const keyLimit = 300
/** The class that Kafka Connect names for errors of a source's producer. */
const producingClass = 'org.apache.kafka.connect.runtime.WorkerSourceTask'

/** Names a record that the producer rejects, so that it can be found in its source. The value is never shown (I8). */
export function rejectedByProducer({ topic, key }: OutgoingRecord, offset: SourceOffset, cause: unknown): ConnectError {
  return rejection(key, offset, topic, cause)
}

/**
 * Names a record that the broker rejects.
 * @param offset its source offset; null if unknown
 * @returns `cause` itself when it does not concern a single record
 */
export function rejectedByBroker(cause: Error, offset: SourceOffset | null): Error {
  if (!(cause instanceof RecordTooLargeError)) return cause
  return rejection(cause.key, offset, cause.topic, cause)
}

/** Shows the key as the converter has encoded it. */
function rejection(bytes: Uint8Array | null, offset: SourceOffset | null, topic: string, cause: unknown): ConnectError {
  const key = bytes === null ? 'null' : Buffer.from(bytes).toString('utf8')
  // If a schema precedes the fields of the key, they are at its end.
  const shown = key.length <= keyLimit ? key : `…${key.slice(-keyLimit)}`
  const place = offset === null ? '' : ` at source offset ${json(offset).slice(0, keyLimit)}`
  return new ConnectError(
    `the record with key ${shown}${place} cannot be written to topic ${topic}: ${errorMessage(cause)}`,
    { cause, stage: 'KAFKA_PRODUCE', executingClass: producingClass },
  )
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part)) ?? 'null'
}
