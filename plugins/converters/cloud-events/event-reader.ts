import {
  DataError,
  fieldOf,
  holdsDecimal,
  isJsonObject,
  jsonReader,
  plainJson,
  primitive,
  schemaFromJson,
  struct,
  utf8,
  type ConnectValue,
  type Converter,
  type JsonObject,
  type JsonReader,
  type JsonValue,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { checkUtf8, isEnvelope, parse } from '../json-envelope.ts'
import { keepWithin } from '../registry/cache-size.ts'
import type { CloudEventsOptions } from './cloud-events-options.ts'
import { dataSuffix } from './event-writer.ts'
import { plainOf } from './plain-of.ts'

const required = ['id', 'source', 'specversion', 'type']
const schemaSuffix = 'CloudEvents.Envelope'

/** What the reader needs besides the settings of the converter. */
interface ReaderParts {
  /** Of data and events in Avro; null if there are none. */
  readonly avro: Converter | null
  readonly replaceNullWithDefault: boolean
  /** How many schemas of data are kept. */
  readonly cacheSize: number
}

/** A schema of data in JSON, and the reader of its payloads. */
interface KnownData {
  readonly schema: Schema
  readonly read: JsonReader
  readonly exactFractions: boolean
}

/** Reads CloudEvents: those in JSON as a map without a schema, those in Avro as a struct whose data is a struct too. */
export class EventReader {
  readonly #options: CloudEventsOptions
  readonly #parts: ReaderParts
  readonly #readBytes: JsonReader
  readonly #known = new Map<string, KnownData>()
  readonly #events = new WeakMap<Schema, WeakMap<Schema, Schema>>()

  constructor(options: CloudEventsOptions, parts: ReaderParts) {
    this.#options = options
    this.#parts = parts
    this.#readBytes = jsonReader(primitive('BYTES', { optional: true }), parts)
  }

  /** @throws DataError if the bytes are no CloudEvent; NotReadyError */
  read(topic: string, message: Uint8Array): SchemaAndValue {
    return this.#options.events === 'avro' ? this.#avroEvent(topic, message) : this.#jsonEvent(topic, message)
  }

  #jsonEvent(topic: string, message: Uint8Array): SchemaAndValue {
    checkUtf8(message)
    const text = utf8(message)
    const event = parse(text, false)
    if (!isJsonObject(event) || !required.every((name) => Object.hasOwn(event, name))) throw noEvent(text)
    const json = member(event, 'data')
    if (json === null) return { schema: null, value: event as ConnectValue }
    const data = this.#options.data === 'avro' ? this.#avroInJson(topic, json) : this.#jsonInJson(text, json)
    return { schema: null, value: { ...event, data } }
  }

  #avroInJson(topic: string, json: JsonValue): ConnectValue {
    const { schema, value } = this.#avro.toConnect(topic, this.#readBytes(json) as Uint8Array | null)
    return plainOf(schema, value)
  }

  #jsonInJson(text: string, json: JsonValue): ConnectValue {
    if (!this.#options.dataSchemas) return json as ConnectValue
    if (!isEnvelope(json))
      throw new DataError(
        'the data of the event has no "schema" and "payload": set json.schemas.enable=false if it is the payload alone',
      )
    if (json.schema === null) return json.payload as ConnectValue
    const { schema, read, exactFractions } = this.#knownData(json.schema)
    const payload = exactFractions ? exactPayload(text) : json.payload
    return plainOf(schema, read(payload))
  }

  #knownData(json: JsonValue): KnownData {
    const text = plainJson(json as ConnectValue)
    let known = this.#known.get(text)
    if (known === undefined) {
      const schema = schemaFromJson(json)
      known = { schema, read: jsonReader(schema, this.#parts), exactFractions: holdsDecimal(schema) }
      keepWithin(this.#known, this.#parts.cacheSize)
      this.#known.set(text, known)
    }
    return known
  }

  #avroEvent(topic: string, message: Uint8Array): SchemaAndValue {
    const { schema, value } = this.#avro.toConnect(topic, message)
    if (schema === null || schema.type !== 'STRUCT' || !Array.isArray(value) || !this.#isEventSchema(schema))
      throw noEvent(`a value with the schema ${schema?.name ?? 'null'}`)
    const values = value as readonly ConnectValue[]
    const field = fieldOf(schema, 'data')
    if (field === undefined) return { schema, value }
    const bytes = values[field.index] ?? null
    if (bytes !== null && !(bytes instanceof Uint8Array)) throw noEvent('an event whose data is not bytes')
    const data = this.#avro.toConnect(`${topic}${dataSuffix}`, bytes)
    if (data.schema === null) return { schema, value }
    return { schema: this.#withData(schema, data.schema), value: values.with(field.index, data.value) }
  }

  #isEventSchema(schema: Schema): boolean {
    const { schemaName } = this.#options
    const isNamed = schemaName === null ? schema.name?.endsWith(schemaSuffix) === true : schema.name === schemaName
    return isNamed && required.every((name) => fieldOf(schema, name) !== undefined)
  }

  /** The same object for the same schemas: what follows compiles it once. */
  #withData(event: Schema, data: Schema): Schema {
    const byData = this.#events.get(event) ?? new WeakMap<Schema, Schema>()
    let known = byData.get(data)
    if (known === undefined) {
      const { fields } = struct(
        event.fields.map(({ name, schema }) => [name, name === 'data' ? data : schema] as const),
      )
      known = { ...event, optional: false, defaultValue: undefined, fields }
      byData.set(data, known)
      this.#events.set(event, byData)
    }
    return known
  }

  get #avro(): Converter {
    const { avro } = this.#parts
    if (avro === null) throw new TypeError('the converter of Avro is missing')
    return avro
  }
}

/** Decimals as numbers keep all their digits only where the text is parsed for them (I11). */
function exactPayload(text: string): JsonValue {
  const event = parse(text, true)
  const data = isJsonObject(event) ? member(event, 'data') : null
  return isEnvelope(data) ? data.payload : null
}

function member(event: JsonObject, name: string): JsonValue {
  return Object.hasOwn(event, name) ? (event[name] ?? null) : null
}

function noEvent(what: string): DataError {
  const shown = what.length > 200 ? `${what.slice(0, 200)}…` : what
  return new DataError(`A deserialized record's value is not a CloudEvent: value=${shown}`)
}
