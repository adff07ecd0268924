import type { RecordReader } from './record-reader.ts'

/** The types of control records that end a transaction. */
export const endMarkerTypes = { abort: 0, commit: 1 } as const

/** The record of a control batch. */
export interface ControlRecord {
  readonly type: number
  readonly value: Buffer | null
}

/** Reads the record of a control batch; null if there is none. Its key is a version and a type, both int16. */
export function readControlRecord(reader: RecordReader): ControlRecord | null {
  if (!reader.next()) return null
  const key = reader.key()
  return key === null || key.length < 4 ? null : { type: key.readInt16BE(2), value: reader.value() }
}
