import { ByteSink, type ConnectValue, type Converter, type RawConfig, type Schema } from 'penstock/api'

import { ProtobufFormat } from '../../../plugins/converters/protobuf/protobuf-format.ts'
import { protobufOptions } from '../../../plugins/converters/protobuf/protobuf-options.ts'
import { plugin } from '../../../plugins/converters/protobuf-converter.ts'
import type { SchemaText } from 'penstock/api'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

/** A Protobuf converter that uses the registry with this URL. */
export function protobufConverter(url: string, config: RawConfig = {}, isKey = false): Converter {
  const raw = { 'schema.registry.url': url, ...config }
  return plugin.create(parseConfig(plugin.configDef, raw), raw, isKey)
}

/** The format of a converter with these settings. */
export function protobufFormat(config: RawConfig = {}): ProtobufFormat {
  return new ProtobufFormat(
    protobufOptions(parseConfig(plugin.configDef, { 'schema.registry.url': 'http://localhost', ...config })),
  )
}

/** The Connect schema of a message type of a schema, and its messages. `type` are its message indexes, empty for the first one. */
export function protobufReader(
  text: string,
  config: RawConfig = {},
  more: Partial<SchemaText> & { type?: string } = {},
) {
  const format = protobufFormat(config)
  const parsed = format.types.ofType(format.parse({ text, references: more.references ?? [] }), more.type ?? '')
  const { schema, read } = format.reader(parsed, null)
  if (schema === null) throw new RangeError('a Protobuf schema always has a Connect schema')
  return { schema, read: (bytes: Uint8Array): ConnectValue => read(Buffer.concat([Buffer.of(0), bytes]), 0) }
}

/** The schema of a Connect schema, its messages with their indexes, and what is read of them. */
export function protobufCodec(schema: Schema, config: RawConfig = {}) {
  const format = protobufFormat(config)
  const text = format.textOf(schema)
  const parsed = format.types.ofSchema(format.parse({ text, references: [] }), schema)
  const write = format.writer(parsed, schema)
  const head = format.types.headOf(parsed)
  const reader = format.reader(parsed, null)
  const sink = new ByteSink()
  return {
    text,
    back: reader.schema as Schema,
    bytes: (value: ConnectValue): Buffer => {
      sink.begin()
      sink.bytes(head)
      write(sink, value)
      return Buffer.from(sink.take())
    },
    value: (bytes: Uint8Array): ConnectValue => reader.read(bytes, 0),
  }
}
