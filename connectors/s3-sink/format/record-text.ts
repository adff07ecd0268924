import {
  ByteSink,
  jsonWriter,
  plainJson,
  type ConnectValue,
  type JsonWriter,
  type JsonWriteOptions,
  type Schema,
} from 'penstock/api'

/** Writes values as JSON on one line: Connect's JSON form without its schema, whatever the schema is. */
export class RecordText {
  readonly #options: JsonWriteOptions
  readonly #sink = new ByteSink()
  readonly #writers = new WeakMap<Schema, JsonWriter>()

  constructor(decimalFormat: 'BASE64' | 'NUMERIC') {
    this.#options = { decimalFormat, replaceNullWithDefault: true }
  }

  /** Returns text, or bytes that are valid until the next call. @throws DataError when the value does not fit its schema. */
  of(schema: Schema | null, value: ConnectValue): string | Buffer {
    if (schema === null) return plainJson(value)
    let writer = this.#writers.get(schema)
    if (writer === undefined) {
      writer = jsonWriter(schema, this.#options)
      this.#writers.set(schema, writer)
    }
    this.#sink.begin()
    writer(this.#sink, value)
    return this.#sink.take()
  }
}
