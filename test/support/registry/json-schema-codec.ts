import { ByteSink, type ConnectValue, type Converter, type RawConfig, type Schema } from 'penstock/api'

import { JsonSchemaFormat } from '../../../plugins/converters/json-schema/json-schema-format.ts'
import { jsonSchemaOptions } from '../../../plugins/converters/json-schema/json-schema-options.ts'
import { plugin } from '../../../plugins/converters/json-schema-converter.ts'
import type { SchemaText } from 'penstock/api'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

/** A JSON Schema converter that uses the registry with this URL. */
export function jsonSchemaConverter(url: string, config: RawConfig = {}, isKey = false): Converter {
  const raw = { 'schema.registry.url': url, ...config }
  return plugin.create(parseConfig(plugin.configDef, raw), raw, isKey)
}

function jsonSchemaFormat(config: RawConfig = {}): JsonSchemaFormat {
  return new JsonSchemaFormat(
    jsonSchemaOptions(parseConfig(plugin.configDef, { 'schema.registry.url': 'http://localhost', ...config })),
  )
}

/** Writes data of a Connect schema, and reads it with the JSON Schema that is made of it. */
export function jsonSchemaCodec(schema: Schema, config: RawConfig = {}) {
  const format = jsonSchemaFormat(config)
  const text = format.textOf(schema)
  const documents = format.parse({ text, references: [] })
  const write = format.writer(documents, schema)
  const reader = format.reader(documents, null)
  const sink = new ByteSink()
  return {
    text,
    back: reader.schema,
    bytes: (value: ConnectValue): Buffer => {
      sink.begin()
      write(sink, value)
      return Buffer.from(sink.take())
    },
    value: (bytes: Uint8Array): ConnectValue => reader.read(bytes, 0),
  }
}

/** The Connect schema of a JSON Schema, which may be a text, and data of it. */
export function readJsonSchema(json: unknown, config: RawConfig = {}, references: SchemaText['references'] = []) {
  const format = jsonSchemaFormat(config)
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  const reader = format.reader(format.parse({ text, references }), null)
  return {
    schema: reader.schema,
    value: (data: unknown): ConnectValue => reader.read(Buffer.from(JSON.stringify(data)), 0),
  }
}
