import { ConnectError } from '../../api/errors.ts'
import type { SourceOffset, SourceRecord } from '../../api/record.ts'
import { RecordTooLargeError } from '../../client/errors.ts'
import { messageOf } from '../failures.ts'

const keyLimit = 300

/** A record that the producer does not take, named so that it is found in its source; never its value. */
export function refusedByProducer(record: SourceRecord, topic: string, cause: unknown): ConnectError {
  return refusal(json(record.key), record.sourceOffset, topic, cause)
}

/**
 * A record that the log does not take. It has left as bytes: its key is what the converter made of it.
 * @param offset where it stands in its source; null when that is not known
 * @returns `cause` as it is when it is not about one record
 */
export function refusedByLog(cause: Error, offset: SourceOffset | null): Error {
  if (!(cause instanceof RecordTooLargeError)) return cause
  return refusal(cause.key === null ? 'null' : cause.key.toString('utf8'), offset, cause.topic, cause)
}

function refusal(key: string, offset: SourceOffset | null, topic: string, cause: unknown): ConnectError {
  // Behind a schema the fields of a key stand at its end.
  const shown = key.length <= keyLimit ? key : `…${key.slice(-keyLimit)}`
  const place = offset === null ? '' : ` at source offset ${json(offset).slice(0, keyLimit)}`
  return new ConnectError(
    `the record with key ${shown}${place} cannot be written to topic ${topic}: ${messageOf(cause)}`,
    { cause, stage: 'KAFKA_PRODUCE' },
  )
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part)) ?? 'null'
}
