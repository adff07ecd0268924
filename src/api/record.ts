import type { ConnectValue, Schema } from './schema.ts'

/** A header of a record. */
export interface Header {
  readonly key: string
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/** A header of a record in bytes. */
export interface RawHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A flat map of JSON values that identifies a part of a source, such as a database. */
export type SourcePartition = Readonly<Record<string, string | number | boolean | null>>
/** A position in a source partition: a flat map of JSON values. Integers above 2^53 are bigint. */
export type SourceOffset = Readonly<Record<string, string | number | bigint | boolean | null>>

/** The fields of every record. Records are immutable: transforms return new objects. */
export interface ConnectRecord {
  readonly topic: string
  /** Null lets the producer choose (murmur2 of the key, as Kafka's clients do). Always set in a sink record. */
  readonly partition: number | null
  readonly keySchema: Schema | null
  readonly key: ConnectValue
  readonly valueSchema: Schema | null
  readonly value: ConnectValue
  /** Milliseconds since the epoch; null is the time of producing. */
  readonly timestamp: number | null
  readonly headers: readonly Header[]
}

/** A record from a source task to a topic. */
export interface SourceRecord extends ConnectRecord {
  readonly sourcePartition: SourcePartition
  /** The position after this record. Stored when this record and all before it are acknowledged (I2). */
  readonly sourceOffset: SourceOffset
  /**
   * Why the source cannot read this record, which then only holds what is known of it: `errors.*` of the connector decide on it, at the
   * stage TASK_POLL. It is neither transformed nor converted; a dead letter has its key, value and headers as JSON.
   */
  readonly failure?: Error
}

/** A record from a topic to a sink task. Transforms may change `topic` and `partition`. */
export interface SinkRecord extends ConnectRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampType: 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'
  /** The record's topic before transforms. The next two fields are likewise unaffected by them. */
  readonly originalTopic: string
  readonly originalPartition: number
  readonly originalOffset: number
}

/** The headers of a record without headers. */
export const noHeaders: readonly Header[] = []

/** Returns the last header with that key; undefined if there is none. */
export function lastHeader<H extends Pick<Header, 'key'>>(headers: readonly H[], key: string): H | undefined {
  for (let i = headers.length - 1; i >= 0; i--) if (headers[i]?.key === key) return headers[i]
  return undefined
}
