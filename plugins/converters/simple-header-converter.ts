import {
  headerText,
  parseHeaderText,
  primitive,
  utf8,
  type ConnectValue,
  type HeaderConverter,
  type HeaderConverterPlugin,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

const string = primitive('STRING')

/**
 * Writes header values as text, and infers the type when reading. As in Kafka's converter, the text `123` is read as a number.
 */
export class SimpleHeaderConverter implements HeaderConverter {
  fromConnectHeader(_topic: string, _key: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (value === null) return null
    // A fast path for the version header, which every record has.
    const isVersion = typeof value === 'bigint' && schema?.type === 'INT64' && schema.name === null
    return Buffer.from(isVersion ? String(value) : headerText(schema, value))
  }

  toConnectHeader(_topic: string, _key: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: null, value: null }
    return bytes.length === 0 ? { schema: string, value: '' } : parseHeaderText(utf8(bytes))
  }
}

/** `org.apache.kafka.connect.storage.SimpleHeaderConverter`. */
export const plugin: HeaderConverterPlugin = {
  kind: 'header_converter',
  className: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
  aliases: [],
  version: '3.9.1',
  configDef: {},
  create: () => new SimpleHeaderConverter(),
}
