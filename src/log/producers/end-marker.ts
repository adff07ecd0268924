import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import type { VerifiedBatch } from '../../protocol/record-batch/verified-batch.ts'
import type { EndMarker } from './producer-state.ts'

/**
 * The transaction marker in a control batch; null for control records of other kinds.
 * Key: version i16, type i16 (0 abort, 1 commit). Value: version i16, coordinator epoch i32.
 */
export function readEndMarker(batch: Buffer | VerifiedBatch): EndMarker | null {
  const reader = new RecordReader(batch)
  if (!reader.next()) return null
  const key = reader.key()
  const value = reader.value()
  if (key === null || key.length < 4 || value === null || value.length < 6) return null
  const type = key.readInt16BE(2)
  return type === 0 || type === 1 ? { commits: type === 1, coordinatorEpoch: value.readInt32BE(2) } : null
}
