import type { ByteSink, ConnectValue, Schema, SchemaText } from 'penstock/api'

/** Writes the data of a message, without the id of its schema and the name of its type. @throws DataError if the value does not match the schema */
export type MessageWrite = (sink: ByteSink, value: ConnectValue) => void

/** Reads messages with one schema. */
export interface MessageReader {
  readonly schema: Schema | null
  /**
   * Reads the data of a message, which begins at `offset`, with the name of its type if the format has several types.
   * @throws DataError if the bytes are no value of the schema; RangeError if they are nested too deeply
   */
  readonly read: (bytes: Uint8Array, offset: number) => ConnectValue
}

/** The message types of a schema, in a format in which a schema may have several. */
export interface MessageTypes<Parsed> {
  /** Returns the type that a message names: the same text for the same type. @throws DataError if the bytes name none */
  typeIn(bytes: Uint8Array, offset: number): string
  /** Returns the schema of one of its types. @throws DataError if it does not have it */
  ofType(parsed: Parsed, type: string): Parsed
  /** Returns the schema of the type that values of a Connect schema have. */
  ofSchema(parsed: Parsed, schema: Schema | null): Parsed
  /** Returns how messages name the type of a schema, after its id. */
  headOf(parsed: Parsed): Buffer
}

/** What distinguishes converters that use a schema registry: the language of their schemas, and the form of their data. */
export interface SchemaFormat<Parsed> {
  /** The type in the registry: `AVRO`, `JSON` or `PROTOBUF`. */
  readonly type: string
  /** The code of the error of a message that is no value of its schema. */
  readonly invalidCode: string
  /** Whether null has a form of its own. Otherwise it is a message without a value. */
  readonly writesNull: boolean
  /** Null: a schema is one type. */
  readonly types: MessageTypes<Parsed> | null
  /** The schema of a Connect schema; null is that of values without one. @throws DataError if there is none */
  textOf(schema: Schema | null): string
  /** @throws DataError if it is invalid */
  parse(schema: SchemaText): Parsed
  /** The name for subjects; null if it has none. */
  recordNameOf(parsed: Parsed): string | null
  /** Compiles the writer of values of a Connect schema. @throws DataError if the other schema cannot hold them */
  writer(parsed: Parsed, schema: Schema | null): MessageWrite
  /** Compiles the reader of messages. @throws DataError if Connect cannot express the schema */
  reader(parsed: Parsed, version: number | null): MessageReader
  /** Returns why the latest schema cannot read what a schema of ours would write; null if it can. */
  whyUnreadable(own: { readonly schema: Schema | null; readonly text: string }, latest: SchemaText): string | null
}
