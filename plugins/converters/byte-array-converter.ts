import {
  DataError,
  primitive,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { headerPluginOf } from './header-plugin.ts'

const optionalBytes = primitive('BYTES', { optional: true })

/** Passes bytes through. */
class ByteArrayConverter implements Converter {
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

export const headerPlugin = headerPluginOf(plugin)
