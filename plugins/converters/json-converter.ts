import {
  ByteSink,
  DataError,
  holdsDecimal,
  jsonReader,
  jsonWriter,
  keepJsonText,
  oneOfIgnoringCase,
  plainJson,
  schemaFromJson,
  schemaToJson,
  utf8,
  type ConfigDef,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type HeaderConverterPlugin,
  type JsonReader,
  type JsonValue,
  type JsonWriteOptions,
  type JsonWriter,
  type ParsedConfig,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { headerPluginOf } from './header-plugin.ts'
import { checkUtf8, endOfSchema, isEnvelope, parse, parseOrNull } from './json-envelope.ts'
import { PayloadReader } from './json/payload-reader.ts'
import { contentSchema, validContent } from './schema-content.ts'

const configDef = {
  'schemas.enable': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'HIGH',
    doc: 'Include schemas within each of the serialized values and keys.',
    group: 'Schemas',
    order: 0,
    displayName: 'Enable Schemas',
    width: 'MEDIUM',
  },
  'schemas.cache.size': {
    type: 'INT',
    defaultValue: 1000,
    importance: 'HIGH',
    doc: 'The maximum number of schemas that can be cached in this converter instance.',
    group: 'Schemas',
    order: 1,
    displayName: 'Schema Cache Size',
    width: 'MEDIUM',
  },
  'schema.content': {
    type: 'STRING',
    defaultValue: null,
    importance: 'HIGH',
    doc: 'With `schemas.enable=true`, the schema of all messages that are read, as JSON like the `schema` member of an envelope: each message is the payload alone. Messages are still written with their schemas.',
    group: 'Schemas',
    order: 2,
    displayName: 'Schema Content',
    width: 'MEDIUM',
    validator: validContent,
  },
  'decimal.format': {
    type: 'STRING',
    defaultValue: 'BASE64',
    importance: 'LOW',
    doc: "Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'",
    group: 'Serialization',
    order: 0,
    displayName: 'Decimal Format',
    width: 'MEDIUM',
    validator: oneOfIgnoringCase('NUMERIC', 'BASE64'),
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.',
    group: 'Serialization',
    order: 1,
    displayName: 'Replace null with default',
    width: 'MEDIUM',
  },
} as const satisfies ConfigDef

/** A schema in messages, and the reader of its payloads. */
interface KnownSchema {
  readonly schema: Schema
  readonly read: JsonReader
  /** Reads most payloads without parsing them. */
  readonly payload: PayloadReader
  readonly exactFractions: boolean
}

/** The first bytes of messages with one schema, up to the payload. */
interface KnownPrefix {
  readonly bytes: Buffer
  readonly known: KnownSchema
}

/** Writes values of one schema: the envelope up to the payload (empty without envelope), and the payload. */
interface KnownWriter {
  readonly head: Buffer
  readonly payload: JsonWriter
}

const prefixesPerTopic = 4
const closingBrace = 0x7d

/**
 * Converts Connect data to JSON, with or without the envelope `{"schema":…,"payload":…}`. With `schema.content` (KIP-1054), what it
 * reads is the payload alone.
 */
export class JsonConverter implements Converter {
  readonly #envelope: boolean
  /** Of all messages that are read; null if each has its own, or none. */
  readonly #content: KnownSchema | null
  readonly #cacheSize: number
  readonly #options: JsonWriteOptions
  readonly #sink = new ByteSink()
  readonly #writers = new WeakMap<Schema, KnownWriter>()
  readonly #known = new Map<string, KnownSchema>()
  readonly #prefixes = new Map<string, KnownPrefix[]>()

  constructor(config: ParsedConfig) {
    this.#envelope = config['schemas.enable'] === true
    this.#cacheSize = Math.max(1, Number(config['schemas.cache.size']))
    this.#options = {
      decimalFormat: String(config['decimal.format']).toUpperCase() === 'NUMERIC' ? 'NUMERIC' : 'BASE64',
      replaceNullWithDefault: config['replace.null.with.default'] === true,
    }
    const content = this.#envelope ? contentSchema(config['schema.content']) : null
    this.#content = content === null ? null : this.#compiled(content)
  }

  fromConnect(_topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (schema !== null) return this.#write(this.#writerOf(schema), value)
    if (value === null) return null
    const json = plainJson(value)
    return Buffer.from(this.#envelope ? `{"schema":null,"payload":${json}}` : json)
  }

  toConnect(topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: null, value: null }
    checkUtf8(bytes)
    if (this.#content !== null) {
      const { schema, read, payload, exactFractions } = this.#content
      const value = payload.read(bytes, 0, bytes.length)
      return { schema, value: value === undefined ? read(parse(utf8(bytes), exactFractions)) : value }
    }
    if (!this.#envelope) {
      const text = utf8(bytes)
      const value = schemaless(parse(text, false))
      keepJsonText(value, text)
      return { schema: null, value }
    }
    return this.#readKnown(topic, bytes) ?? this.#readEnvelope(topic, utf8(bytes))
  }

  #write({ head, payload }: KnownWriter, value: ConnectValue): Buffer {
    const sink = this.#sink
    sink.begin()
    if (head.length > 0) sink.bytes(head)
    payload(sink, value)
    if (head.length > 0) sink.byte(closingBrace)
    return sink.take()
  }

  #writerOf(schema: Schema): KnownWriter {
    let writer = this.#writers.get(schema)
    if (writer === undefined) {
      const head = this.#envelope ? `{"schema":${schemaToJson(schema, this.#options)},"payload":` : ''
      writer = { head: Buffer.from(head), payload: jsonWriter(schema, this.#options) }
      this.#writers.set(schema, writer)
    }
    return writer
  }

  /** Most messages begin with the same bytes as an earlier one, so only their payload has to be parsed. */
  #readKnown(topic: string, bytes: Uint8Array): SchemaAndValue | null {
    for (const { bytes: prefix, known } of this.#prefixes.get(topic) ?? []) {
      if (bytes.length <= prefix.length || !prefix.equals(bytes.subarray(0, prefix.length))) continue
      const end = bytes.length - 1
      const value = bytes[end] === closingBrace ? known.payload.read(bytes, prefix.length, end) : undefined
      if (value !== undefined) return { schema: known.schema, value }
      const rest = utf8(bytes.subarray(prefix.length)).trimEnd()
      if (!rest.endsWith('}')) return null
      const payload = parseOrNull(rest.slice(0, -1), known.exactFractions)
      return payload === null ? null : { schema: known.schema, value: known.read(payload.json) }
    }
    return null
  }

  #readEnvelope(topic: string, text: string): SchemaAndValue {
    let envelope = parse(text, false)
    if (!isEnvelope(envelope)) {
      throw new DataError(
        'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields.' +
          ' If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.',
      )
    }
    if (envelope.schema === null) return { schema: null, value: schemaless(envelope.payload) }
    const known = this.#knownSchema(envelope.schema)
    this.#rememberPrefix(topic, text, known)
    if (known.exactFractions) envelope = parse(text, true)
    return { schema: known.schema, value: known.read(isEnvelope(envelope) ? envelope.payload : null) }
  }

  /** Returns the same Schema object for equal schema texts, as long as it is cached. */
  #knownSchema(json: JsonValue): KnownSchema {
    const text = plainJson(json as ConnectValue)
    let known = this.#known.get(text)
    if (known === undefined) {
      known = this.#compiled(schemaFromJson(json))
      this.#forget(evictOldest(this.#known, this.#cacheSize))
      this.#known.set(text, known)
    }
    return known
  }

  /** A schema that is not kept any more is not kept for the messages that begin with it either (I10). */
  #forget(evicted: KnownSchema | null): void {
    if (evicted === null) return
    for (const [topic, prefixes] of this.#prefixes) {
      const left = prefixes.filter((prefix) => prefix.known !== evicted)
      if (left.length === 0) this.#prefixes.delete(topic)
      else if (left.length < prefixes.length) this.#prefixes.set(topic, left)
    }
  }

  #compiled(schema: Schema): KnownSchema {
    const { replaceNullWithDefault } = this.#options
    return {
      schema,
      read: jsonReader(schema, { replaceNullWithDefault }),
      payload: new PayloadReader(schema, { replaceNullWithDefault }),
      exactFractions: holdsDecimal(schema),
    }
  }

  #rememberPrefix(topic: string, text: string, known: KnownSchema): void {
    const end = endOfSchema(text)
    if (end === null) return
    const prefixes = (this.#prefixes.get(topic) ?? []).filter((prefix) => prefix.known !== known)
    if (!this.#prefixes.has(topic)) evictOldest(this.#prefixes, this.#cacheSize)
    prefixes.unshift({ bytes: Buffer.from(text.slice(0, end)), known })
    this.#prefixes.set(topic, prefixes.slice(0, prefixesPerTopic))
  }
}

/** Makes room for one more. Returns what was evicted; null if there was room. */
function evictOldest<T>(cache: Map<string, T>, limit: number): T | null {
  if (cache.size < limit) return null
  for (const [key, value] of cache) {
    cache.delete(key)
    return value
  }
  return null
}

/** Parsed JSON is schemaless Connect data already, unless exact fractions are required. */
function schemaless(json: JsonValue): ConnectValue {
  return json as ConnectValue
}

/** `org.apache.kafka.connect.json.JsonConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'org.apache.kafka.connect.json.JsonConverter',
  aliases: [],
  version: '3.9.1',
  configDef,
  create: (config) => new JsonConverter(config),
}

/** The converter as a header converter. */
export const headerPlugin: HeaderConverterPlugin = headerPluginOf(plugin)
