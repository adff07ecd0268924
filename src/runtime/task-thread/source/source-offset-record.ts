import type { CommittedSourceOffset } from '../../../api/task.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { encodeOffsetKey, encodeOffsetValue } from '../../../storage/source-offset-record.ts'

/** The record of the offset topic that stores one offset of a connector. @throws DataError when a value is nested. */
export function offsetRecordOf(
  topic: string,
  connector: string,
  { partition, offset }: CommittedSourceOffset,
): OutgoingRecord {
  return {
    topic,
    partition: null,
    key: Buffer.from(encodeOffsetKey(connector, partition)),
    value: Buffer.from(encodeOffsetValue(offset) ?? ''),
    headers: [],
    timestamp: null,
  }
}
