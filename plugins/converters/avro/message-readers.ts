import { DataError, decimalFromBytes, Logical, type ConnectValue, type Schema, type SchemaAndValue } from 'penstock/api'

import { LookUps } from '../registry/look-ups.ts'
import { subjectNameOf, type SubjectName } from '../registry/subject-names.ts'
import { headerLength, schemaIdOf } from '../registry/wire-format.ts'
import { readAnything } from './binary/anything.ts'
import { AvroCursor } from './binary/avro-cursor.ts'
import { avroReader, type AvroReader } from './binary/avro-reader.ts'
import { cacheSize, keepWithin } from './cache-size.ts'
import { connectOfAvro, isAnything } from './schema/connect-of-avro.ts'
import type { ConverterParts } from './message-writers.ts'
import { parseAvro, type AvroSchema } from './parse-avro.ts'

/** Reads messages with one schema of one topic. */
interface MessageReader {
  readonly schema: Schema | null
  readonly read: AvroReader
}

/** Finds the readers of messages. Each schema is looked up and compiled once for each topic. */
export class MessageReaders {
  readonly #parts: ConverterParts
  readonly #subjectOf: SubjectName
  readonly #size: number
  readonly #cursor = new AvroCursor()
  readonly #schemas: LookUps<AvroSchema>
  readonly #versions: LookUps<number | null>
  readonly #byTopic = new Map<string, Map<number, MessageReader>>()
  #lastTopic = ''
  #lastId = -1
  #last: MessageReader | null = null

  constructor(parts: ConverterParts) {
    const { config, clock, isKey } = parts
    this.#parts = parts
    this.#subjectOf = subjectNameOf(config, isKey)
    this.#size = cacheSize(config)
    this.#schemas = new LookUps({ clock, limit: this.#size })
    this.#versions = new LookUps({ clock, limit: this.#size })
  }

  /** @throws NotReadyError until the registry has given the schema; DataError if it does not, or the bytes are no value of it */
  read(topic: string, bytes: Uint8Array): SchemaAndValue {
    const id = schemaIdOf(bytes)
    const reader =
      this.#last !== null && id === this.#lastId && topic === this.#lastTopic ? this.#last : this.#of(topic, id)
    this.#lastTopic = topic
    this.#lastId = id
    this.#last = reader
    return { schema: reader.schema, value: this.#value(reader, bytes, id) }
  }

  #value({ read }: MessageReader, bytes: Uint8Array, id: number): ConnectValue {
    const cursor = this.#cursor
    try {
      cursor.begin(bytes, headerLength)
      const value = read(cursor)
      cursor.end()
      return value
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof DataError)) throw error
      const why = error instanceof DataError ? error.message : 'it is nested too deeply'
      throw new DataError(`the message is no value of its schema (id ${id}): ${why}`, {
        cause: error,
        code: 'AVRO_INVALID',
      })
    }
  }

  #of(topic: string, id: number): MessageReader {
    const byId = this.#byTopic.get(topic) ?? new Map<number, MessageReader>()
    const known = byId.get(id)
    if (known !== undefined) return known
    const reader = this.#make(topic, id)
    keepWithin(this.#byTopic, this.#size)
    this.#byTopic.set(topic, byId)
    keepWithin(byId, this.#size)
    byId.set(id, reader)
    return reader
  }

  #make(topic: string, id: number): MessageReader {
    const { client, options } = this.#parts
    const avro = this.#schemas.get(String(id), `the schema with the id ${id}`, async (signal) => {
      const registered = await client.schemaOfId(id, signal)
      if (registered.type !== 'AVRO')
        throw new DataError(
          `the schema with the id ${id} is of type ${registered.type}: use the converter of its type`,
          {
            code: 'SCHEMA_TYPE_OTHER',
          },
        )
      const parsed = parseAvro(registered)
      // Here, so that what Connect cannot express is not tried again for each message.
      if (!isAnything(parsed.type)) connectOfAvro(parsed, options, null)
      return parsed
    })
    const version = this.#versionOf(topic, id, avro)
    if (isAnything(avro.type)) return { schema: null, read: readAnything }
    const schema = connectOfAvro(avro, options, version)
    return { schema, read: avro.type.typeName === 'bytes' ? wholeMessage(schema) : avroReader(avro, schema, options) }
  }

  /** The version of the schema in the subject of the topic. Null: the schema is not in this subject. */
  #versionOf(topic: string, id: number, { type }: AvroSchema): number | null {
    const recordName = type.typeName === 'record' ? (type.name ?? null) : null
    let subject: string
    try {
      subject = this.#subjectOf(topic, recordName)
    } catch (error) {
      if (error instanceof DataError) return null
      throw error
    }
    return this.#versions.get(
      `${id}\n${subject}`,
      `the version of the schema with the id ${id} in subject "${subject}"`,
      async (signal) => await this.#parts.client.versionOfId(id, subject, signal),
    )
  }
}

/** As Confluent's deserializer: bytes that are a whole message have no length before them. */
function wholeMessage({ name, parameters }: Schema): AvroReader {
  if (name !== Logical.decimal) return (cursor) => cursor.rest()
  const scale = Number(parameters?.['scale'])
  return (cursor) => decimalFromBytes(cursor.rest(), scale)
}
