import type { SchemaType } from '../../../api/schema.ts'
import type { RawConfig } from '../../../api/config-def.ts'
import type { WorkerConverters } from '../../task-settings.ts'

/** A record in bytes, on its way to a plugin thread. */
export interface RecordInBytes {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch; negative: none. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

/** The schema of a key or value. */
export interface SchemaNote {
  readonly type: SchemaType
  readonly name: string | null
  readonly version: number | null
}

/** A record for a reader. `key`, `value` and those of the headers are JSON texts. */
export interface ReadableRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string
  readonly value: string
  readonly headers: readonly { readonly key: string; readonly value: string }[]
  readonly keySchema: SchemaNote | null
  readonly valueSchema: SchemaNote | null
  /** Why the converters cannot read it, whose `key` and `value` are then JSON's null; null: they can. */
  readonly error: string | null
  /** The bytes of a record that the converters cannot read, in base64. */
  readonly raw: { readonly key: string | null; readonly value: string | null } | null
}

/** Which records are meant: those that pass `recordFilter`, or those with a key: see `keyTest`. */
export type RecordChoice = { readonly by: 'text'; readonly text: string } | { readonly by: 'key'; readonly key: string }

/** Records of one topic, and how to read them. */
export interface RecordsToRead {
  readonly topic: string
  /** The config of the connector whose converters read them; empty: those of the worker do. */
  readonly config: RawConfig
  readonly worker: WorkerConverters
  /** Null: all records are meant. */
  readonly filter: RecordChoice | null
  readonly records: readonly RecordInBytes[]
}

/** In the order of {@link RecordsToRead.records}; null for a record that the filter excludes. */
export type RecordsRead = readonly (ReadableRecord | null)[]

/** A record, and the sink that is asked where it is. */
export interface RecordToLocate extends Pick<RecordsToRead, 'topic' | 'config' | 'worker'> {
  readonly record: RecordInBytes
}
