import {
  DataError,
  javaDoubleText,
  javaFloatText,
  primitive,
  type ConfigDef,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type HeaderConverter,
  type HeaderConverterPlugin,
  type ParsedConfig,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

/** Java's names of character sets, as configs write them, and Node's. */
const encodings: ReadonlyMap<string, BufferEncoding> = new Map([
  ['UTF8', 'utf8'],
  ['UTF-8', 'utf8'],
  ['US-ASCII', 'latin1'],
  ['ISO-8859-1', 'latin1'],
  ['LATIN1', 'latin1'],
  ['UTF-16LE', 'utf16le'],
])

const configDef = {
  'converter.encoding': {
    type: 'STRING',
    defaultValue: 'UTF8',
    importance: 'HIGH',
    doc: 'The name of the Java character set to use for encoding strings as byte arrays.',
    group: 'Encoding',
    displayName: 'Encoding',
    width: 'MEDIUM',
    validator: (_key, value) =>
      encodings.has(String(value).toUpperCase()) ? null : `Must be one of: ${[...encodings.keys()].join(', ')}`,
  },
} as const satisfies ConfigDef

const optionalString = primitive('STRING', { optional: true })

/** Text as bytes; any other value as the text that Java's `toString` gives. */
export class StringConverter implements Converter, HeaderConverter {
  readonly #encoding: BufferEncoding

  constructor(config: ParsedConfig) {
    this.#encoding = encodings.get(String(config['converter.encoding']).toUpperCase()) ?? 'utf8'
  }

  fromConnect(_topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    return value === null ? null : Buffer.from(javaText(schema, value), this.#encoding)
  }

  toConnect(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: optionalString, value: null }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(this.#encoding)
    return { schema: optionalString, value: text }
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.fromConnect(topic, schema, value)
  }

  toConnectHeader(topic: string, _key: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnect(topic, bytes)
  }
}

/** `String.valueOf` of the value: `Struct{id=1,name=x}`, `{a=1, b=2}`, `[1, 2]`. */
function javaText(schema: Schema | null, value: ConnectValue): string {
  if (typeof value === 'number') return numberText(schema, value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Uint8Array) {
    throw new DataError(
      'StringConverter cannot write bytes as text. Use org.apache.kafka.connect.converters.ByteArrayConverter',
    )
  }
  const inner = schema?.valueSchema ?? null
  if (Array.isArray(value)) {
    return schema?.type === 'STRUCT'
      ? structText(schema, value)
      : `[${value.map((item: ConnectValue) => javaText(inner, item)).join(', ')}]`
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return `{${entries.map(([key, item]) => `${javaText(schema?.keySchema ?? null, key)}=${javaText(inner, item)}`).join(', ')}}`
}

function numberText(schema: Schema | null, value: number): string {
  if (schema?.type === 'FLOAT32') return javaFloatText(value)
  return schema?.type === 'FLOAT64' ? javaDoubleText(value) : String(value)
}

function structText(schema: Schema, values: readonly ConnectValue[]): string {
  const members = schema.fields.flatMap((field) => {
    const value = values[field.index] ?? null
    return value === null ? [] : [`${field.name}=${javaText(field.schema, value)}`]
  })
  return `Struct{${members.join(',')}}`
}

/** `org.apache.kafka.connect.storage.StringConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'org.apache.kafka.connect.storage.StringConverter',
  aliases: [],
  version: '3.9.1',
  configDef,
  create: (config) => new StringConverter(config),
}

/** The same class as a header converter. */
export const headerPlugin: HeaderConverterPlugin = {
  ...plugin,
  kind: 'header_converter',
  create: (config) => new StringConverter(config),
}
