import { errorMessage } from '../../../foundation/error-message.ts'
import { ConnectError } from '../../../api/errors.ts'
import type { SourceOffset } from '../../../api/record.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { RecordTooLargeError } from '../../../client/errors.ts'

const keyLimit = 300

/** A record that the producer does not take, named so that it is found in its source; never its value. */
export function refusedByProducer({ topic, key }: OutgoingRecord, offset: SourceOffset, cause: unknown): ConnectError {
  return refusal(key, offset, topic, cause)
}

/**
 * A record that the log does not take.
 * @param offset where it stands in its source; null when that is not known
 * @returns `cause` as it is when it is not about one record
 */
export function refusedByLog(cause: Error, offset: SourceOffset | null): Error {
  if (!(cause instanceof RecordTooLargeError)) return cause
  return refusal(cause.key, offset, cause.topic, cause)
}

/** The key is shown as the converter made it. */
function refusal(bytes: Uint8Array | null, offset: SourceOffset | null, topic: string, cause: unknown): ConnectError {
  const key = bytes === null ? 'null' : Buffer.from(bytes).toString('utf8')
  // Behind a schema the fields of a key stand at its end.
  const shown = key.length <= keyLimit ? key : `…${key.slice(-keyLimit)}`
  const place = offset === null ? '' : ` at source offset ${json(offset).slice(0, keyLimit)}`
  return new ConnectError(
    `the record with key ${shown}${place} cannot be written to topic ${topic}: ${errorMessage(cause)}`,
    { cause, stage: 'KAFKA_PRODUCE' },
  )
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part)) ?? 'null'
}
