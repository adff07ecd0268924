import {
  DataError,
  decimalFromBytes,
  decimalToBytes,
  Logical,
  misfit,
  type ConnectValue,
  type Schema,
  type SchemaText,
} from 'penstock/api'
import {
  AvroCursor,
  Names,
  anythingText,
  avroOfConnect,
  avroReader,
  avroWriter,
  connectOfAvro,
  isAnything,
  parseAvro,
  readAnything,
  unlike,
  whyUnreadable,
  writeAnything,
  type AvroOptions,
  type AvroReader,
  type AvroSchema,
} from 'penstock/avro'

import type { MessageReader, MessageWrite, SchemaFormat } from '../registry/schema-format.ts'

/** Avro, as Confluent's converter writes and reads it. */
export class AvroFormat implements SchemaFormat<AvroSchema> {
  readonly type = 'AVRO'
  readonly invalidCode = 'AVRO_INVALID'
  readonly writesNull = false
  readonly types = null
  readonly #options: AvroOptions
  readonly #cursor = new AvroCursor()

  constructor(options: AvroOptions) {
    this.#options = options
  }

  textOf(schema: Schema | null): string {
    return schema === null ? anythingText : avroOfConnect(schema, this.#options)
  }

  parse(schema: SchemaText): AvroSchema {
    return parseAvro(schema)
  }

  recordNameOf({ type }: AvroSchema): string | null {
    return type.typeName === 'record' ? (type.name ?? null) : null
  }

  writer(avro: AvroSchema, schema: Schema | null): MessageWrite {
    if (schema !== null)
      return avro.type.typeName === 'bytes' ? writeWhole(schema) : avroWriter(avro, schema, this.#options)
    if (avro.type.name === Names.anything) return writeAnything
    throw new DataError(
      `data without a schema needs the Avro record ${Names.anything}, but the latest schema is another one`,
    )
  }

  reader(avro: AvroSchema, version: number | null): MessageReader {
    if (isAnything(avro.type)) return { schema: null, read: this.#reading(readAnything) }
    const schema = connectOfAvro(avro, this.#options, version)
    const read = avro.type.typeName === 'bytes' ? readWhole(schema) : avroReader(avro, schema, this.#options)
    return { schema, read: this.#reading(read) }
  }

  whyUnreadable({ text }: { readonly text: string }, latest: SchemaText): string | null {
    return whyUnreadable({ text, references: [] }, latest)
  }

  #reading(read: AvroReader): (bytes: Uint8Array, offset: number) => ConnectValue {
    const cursor = this.#cursor
    return (bytes, offset) => {
      cursor.begin(bytes, offset)
      const value = read(cursor)
      cursor.end()
      return value
    }
  }
}

/** As Confluent's serializer: bytes that are a whole message have no length before them. */
function writeWhole(schema: Schema): MessageWrite {
  if (schema.type !== 'BYTES') throw unlike(schema, 'bytes', '')
  const scale = schema.name === Logical.decimal ? Number(schema.parameters?.['scale']) : null
  return (sink, value) => {
    if (scale !== null && typeof value === 'string') sink.bytes(decimalToBytes(value, scale))
    else if (scale === null && value instanceof Uint8Array) sink.bytes(value)
    else misfit(schema, '', value)
  }
}

/** As Confluent's deserializer: bytes that are a whole message have no length before them. */
function readWhole({ name, parameters }: Schema): AvroReader {
  if (name !== Logical.decimal) return (cursor) => cursor.rest()
  const scale = Number(parameters?.['scale'])
  return (cursor) => decimalFromBytes(cursor.rest(), scale)
}
