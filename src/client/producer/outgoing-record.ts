import type { RecordHeader } from '../../protocol/record-batch/batch-builder.ts'

/** A record to write to a topic. `append` copies its bytes. */
export interface OutgoingRecord {
  readonly topic: string
  /** Null chooses the partition by the key's murmur2 hash; without a key, whole batches go to one partition after another. */
  readonly partition: number | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the epoch; null is the time of `append`. */
  readonly timestamp: number | null
}

/** Upper bound of the bytes of a record besides key, value and headers: lengths, deltas, attributes. */
const recordOverhead = 40
const headerOverhead = 10

/** Returns an upper bound of the bytes that the record takes in a batch. Cheap: it encodes no text. */
export function maxSizeOf(record: OutgoingRecord): number {
  let size = recordOverhead + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const header of record.headers) size += headerOverhead + header.key.length * 3 + (header.value?.length ?? 0)
  return size
}

/** Returns the record with copies of key and value. */
export function copyOf(record: OutgoingRecord): OutgoingRecord {
  const { key, value } = record
  return { ...record, key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value) }
}
