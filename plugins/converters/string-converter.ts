import {
  javaText,
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
