import { endMarkerTypes, readControlRecord } from '../../protocol/record-batch/control-record.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import type { VerifiedBatch } from '../../protocol/record-batch/verified-batch.ts'
import type { EndMarker } from './producer-state.ts'

/**
 * Reads the transaction marker in a control batch; null for control records of other kinds.
 * Its value is a version (int16) and the epoch of the coordinator (int32).
 */
export function readEndMarker(batch: Buffer | VerifiedBatch): EndMarker | null {
  const record = readControlRecord(new RecordReader(batch))
  if (record === null || record.value === null || record.value.length < 6) return null
  const { type, value } = record
  if (type !== endMarkerTypes.abort && type !== endMarkerTypes.commit) return null
  return { commits: type === endMarkerTypes.commit, coordinatorEpoch: value.readInt32BE(2) }
}
