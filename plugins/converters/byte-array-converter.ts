import {
  DataError,
  primitive,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type HeaderConverter,
  type HeaderConverterPlugin,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

const optionalBytes = primitive('BYTES', { optional: true })

/** Bytes as they are. */
export class ByteArrayConverter implements Converter, HeaderConverter {
  fromConnect(_topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (schema !== null && schema.type !== 'BYTES') {
      throw new DataError(`Invalid schema type for ByteArrayConverter: ${schema.type}`)
    }
    if (value === null) return null
    if (!(value instanceof Uint8Array)) {
      throw new DataError(`ByteArrayConverter is not compatible with values of type ${typeof value}`)
    }
    return Buffer.from(value.buffer, value.byteOffset, value.length)
  }

  toConnect(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    return { schema: optionalBytes, value: bytes }
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.fromConnect(topic, schema, value)
  }

  toConnectHeader(topic: string, _key: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnect(topic, bytes)
  }
}

/** `org.apache.kafka.connect.converters.ByteArrayConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'org.apache.kafka.connect.converters.ByteArrayConverter',
  aliases: [],
  version: '3.9.1',
  configDef: {},
  create: () => new ByteArrayConverter(),
}

/** The same class as a header converter. */
export const headerPlugin: HeaderConverterPlugin = {
  ...plugin,
  kind: 'header_converter',
  create: () => new ByteArrayConverter(),
}
