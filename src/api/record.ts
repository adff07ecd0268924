import type { ConnectValue, Schema } from './schema.ts'

/** A header of a record. */
export interface Header {
  readonly key: string
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/** A flat map of JSON values that names a part of a source, or a place in it. */
export type SourcePartition = Readonly<Record<string, string | number | boolean | null>>
/** A place in a source partition. JSON values; numbers past 2^53 are bigint. */
export type SourceOffset = Readonly<Record<string, string | number | bigint | boolean | null>>

/** What every record carries. Transforms return new objects; records are never changed in place. */
export interface ConnectRecord {
  readonly topic: string
  /** Null lets the partitioner choose (murmur2 of the key, as Kafka's clients do). Always set on a sink record. */
  readonly partition: number | null
  readonly keySchema: Schema | null
  readonly key: ConnectValue
  readonly valueSchema: Schema | null
  readonly value: ConnectValue
  /** Milliseconds of the epoch; null lets the producer take its clock. */
  readonly timestamp: number | null
  readonly headers: readonly Header[]
}

/** A record on its way from a source task to the log. */
export interface SourceRecord extends ConnectRecord {
  readonly sourcePartition: SourcePartition
  /** Where the source goes on after this record. Stored once this record and all before it are acknowledged. */
  readonly sourceOffset: SourceOffset
}

/** A record on its way from the log to a sink task. `topic` and `partition` may be changed by transforms. */
export interface SinkRecord extends ConnectRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampType: 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'
  /** Where the record lies in the log, whatever transforms did. */
  readonly originalTopic: string
  readonly originalPartition: number
  readonly originalOffset: number
}

/** Headers of a record that has none. */
export const noHeaders: readonly Header[] = []

/** The last header of that name; undefined when there is none. */
export function lastHeader(headers: readonly Header[], key: string): Header | undefined {
  for (let i = headers.length - 1; i >= 0; i--) if (headers[i]?.key === key) return headers[i]
  return undefined
}
