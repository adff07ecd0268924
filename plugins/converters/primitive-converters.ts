import {
  DataError,
  int64Form,
  Logical,
  primitive,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type HeaderConverterPlugin,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { headerPluginOf } from './header-plugin.ts'

/** How the values of one type are written: big-endian, as Kafka's serializers do. */
interface Format {
  /** The class, and what its messages call the type. */
  readonly name: string
  readonly type: 'BOOLEAN' | 'INT16' | 'INT32' | 'INT64' | 'FLOAT32' | 'FLOAT64'
  readonly size: number
  /** Whether the type holds a value that has no schema. */
  readonly holds: (value: ConnectValue) => boolean
  readonly write: (bytes: Buffer, value: ConnectValue) => void
  readonly read: (bytes: Buffer) => ConnectValue
}

/** In Java a value of these is a Date, whatever its type. */
const dates: ReadonlySet<string | null> = new Set([Logical.date, Logical.time, Logical.timestamp])

/** Writes values of one primitive type; of others, none: nothing is cast. */
class PrimitiveConverter implements Converter {
  readonly #format: Format
  readonly #schema: Schema
  readonly #bytes: Buffer

  constructor(format: Format) {
    this.#format = format
    this.#schema = primitive(format.type, { optional: true })
    this.#bytes = Buffer.alloc(format.size)
  }

  fromConnect(_topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    const { name, type, holds, write } = this.#format
    // As in Kafka, only booleans have a look at the schema of null.
    if (value === null && (schema === null || type !== 'BOOLEAN' || schema.type === type)) return null
    const fits = schema === null ? holds(value) : schema.type === type && !dates.has(schema.name)
    if (!fits)
      throw new DataError(`Failed to serialize to ${name.toLowerCase()}: the value is ${kindOf(schema, value)}`)
    write(this.#bytes, value)
    return this.#bytes
  }

  toConnect(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: this.#schema, value: null }
    const { name, size, read } = this.#format
    if (bytes.length !== size)
      throw new DataError(
        `Failed to deserialize ${name.toLowerCase()}: the data has ${bytes.length} bytes, not ${size}`,
      )
    return { schema: this.#schema, value: read(Buffer.from(bytes.buffer, bytes.byteOffset, size)) }
  }
}

function kindOf(schema: Schema | null, value: ConnectValue): string {
  if (schema !== null) return schema.name === null ? schema.type : `${schema.type} (${schema.name})`
  return `${Array.isArray(value) ? 'array' : typeof value} without a schema`
}

function isWithin(bits: number): (value: ConnectValue) => boolean {
  return (value) =>
    (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) &&
    BigInt.asIntN(bits, BigInt(value)) === BigInt(value)
}

function readBoolean(bytes: Buffer): boolean {
  const [byte] = bytes
  if (byte === 0 || byte === 1) return byte === 1
  throw new DataError(`Failed to deserialize boolean: the byte is ${byte}, neither 0 nor 1`)
}

function pluginOf(format: Format): ConverterPlugin {
  return {
    kind: 'converter',
    className: `org.apache.kafka.connect.converters.${format.name}Converter`,
    aliases: [],
    version: '3.9.1',
    configDef: {},
    create: () => new PrimitiveConverter(format),
  }
}

export const booleanPlugin: ConverterPlugin = pluginOf({
  name: 'Boolean',
  type: 'BOOLEAN',
  size: 1,
  holds: (value) => typeof value === 'boolean',
  write: (bytes, value) => bytes.writeInt8(value === true ? 1 : 0),
  read: readBoolean,
})

export const shortPlugin: ConverterPlugin = pluginOf({
  name: 'Short',
  type: 'INT16',
  size: 2,
  holds: isWithin(16),
  write: (bytes, value) => bytes.writeInt16BE(Number(value)),
  read: (bytes) => bytes.readInt16BE(),
})

export const integerPlugin: ConverterPlugin = pluginOf({
  name: 'Integer',
  type: 'INT32',
  size: 4,
  holds: isWithin(32),
  write: (bytes, value) => bytes.writeInt32BE(Number(value)),
  read: (bytes) => bytes.readInt32BE(),
})

export const longPlugin: ConverterPlugin = pluginOf({
  name: 'Long',
  type: 'INT64',
  size: 8,
  holds: isWithin(64),
  write: (bytes, value) => bytes.writeBigInt64BE(BigInt(value as number | bigint)),
  read: (bytes) => int64Form(bytes.readBigInt64BE()),
})

export const floatPlugin: ConverterPlugin = pluginOf({
  name: 'Float',
  type: 'FLOAT32',
  size: 4,
  holds: (value) => typeof value === 'number' && (Number.isNaN(value) || Math.fround(value) === value),
  write: (bytes, value) => bytes.writeFloatBE(Number(value)),
  read: (bytes) => bytes.readFloatBE(),
})

export const doublePlugin: ConverterPlugin = pluginOf({
  name: 'Double',
  type: 'FLOAT64',
  size: 8,
  holds: (value) => typeof value === 'number',
  write: (bytes, value) => bytes.writeDoubleBE(Number(value)),
  read: (bytes) => bytes.readDoubleBE(),
})

export const booleanHeaderPlugin: HeaderConverterPlugin = headerPluginOf(booleanPlugin)
export const shortHeaderPlugin: HeaderConverterPlugin = headerPluginOf(shortPlugin)
export const integerHeaderPlugin: HeaderConverterPlugin = headerPluginOf(integerPlugin)
export const longHeaderPlugin: HeaderConverterPlugin = headerPluginOf(longPlugin)
export const floatHeaderPlugin: HeaderConverterPlugin = headerPluginOf(floatPlugin)
export const doubleHeaderPlugin: HeaderConverterPlugin = headerPluginOf(doublePlugin)
