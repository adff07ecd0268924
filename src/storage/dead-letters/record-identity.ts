import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'

/** What tells a record from the one that another topic of the same name has at its offset. */
export interface RecordIdentity {
  readonly key: Buffer | null
  /** Milliseconds since the epoch; null if it is not known. */
  readonly timestamp: number | null
}

/**
 * Returns the time of a letter's record: letters are written with it, by Kafka Connect too. Null where a broker has set the time of the
 * letter (`message.timestamp.type=LogAppendTime`), or the record had none.
 */
export function recordTimeOf({
  timestamp,
  timestampType,
}: Pick<FetchedRecord, 'timestamp' | 'timestampType'>): number | null {
  return timestampType === 1 || timestamp < 0 ? null : timestamp
}

/** Whether the record at the offset of a letter's record is that record. A negative timestamp is none. */
export function isRecordOf(
  letter: RecordIdentity,
  { key, timestamp }: Pick<FetchedRecord, 'key' | 'timestamp'>,
): boolean {
  const isKey = letter.key === null || key === null ? letter.key === key : letter.key.equals(key)
  return isKey && isSameTime(letter, timestamp)
}

/** Whether a record may have the time of a letter's record. */
export function isSameTime(letter: Pick<RecordIdentity, 'timestamp'>, timestamp: number): boolean {
  return letter.timestamp === null || timestamp < 0 || letter.timestamp === timestamp
}
