import { atPath, misfit } from '../../api/binary/misfit.ts'
import { decimalToBytes } from '../../api/decimal.ts'
import { DataError } from '../../api/errors.ts'
import type { ByteSink } from '../../api/json/byte-sink.ts'
import type { ConnectValue, Schema } from '../../api/schema.ts'
import { writeBigInteger, writeBytes, writeDouble, writeFloat, writeInteger, writeText } from './avro-bytes.ts'

/** Writes one value in Avro's binary encoding. @throws DataError if it does not match the schema; the sink then has a part of it */
export type AvroWriter = (sink: ByteSink, value: ConnectValue) => void

/** The Avro types that hold all values of a Connect type. */
const holders: Readonly<Record<string, readonly string[]>> = {
  INT8: ['int', 'long'],
  INT16: ['int', 'long'],
  INT32: ['int', 'long'],
  INT64: ['long'],
  FLOAT32: ['float', 'double'],
  FLOAT64: ['double'],
  BOOLEAN: ['boolean'],
  STRING: ['string'],
}
const bits: Readonly<Record<string, number>> = { INT8: 8, INT16: 16, INT32: 32 }

/** Returns the writer of a primitive type but BYTES. @throws DataError if the Avro type does not hold its values */
export function primitiveWriter(typeName: string, schema: Schema, path: string): AvroWriter {
  const { type } = schema
  if (holders[type]?.includes(typeName) !== true) throw unlike(schema, typeName, path)
  switch (type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return intWriter(schema, path)
    case 'INT64':
      return (sink, value) => {
        if (typeof value === 'bigint') writeBigInteger(sink, value)
        else if (Number.isSafeInteger(value)) writeInteger(sink, value as number)
        else misfit(schema, path, value)
      }
    case 'BOOLEAN':
      return (sink, value) => {
        if (typeof value !== 'boolean') misfit(schema, path, value)
        sink.byte(value ? 1 : 0)
      }
    case 'STRING':
      return (sink, value) => {
        if (typeof value !== 'string') misfit(schema, path, value)
        writeText(sink, value)
      }
    default: {
      const write = typeName === 'float' ? writeFloat : writeDouble
      return (sink, value) => {
        if (typeof value !== 'number') misfit(schema, path, value)
        write(sink, value)
      }
    }
  }
}

function intWriter(schema: Schema, path: string): AvroWriter {
  const shift = 32 - (bits[schema.type] ?? 32)
  return (sink, value) => {
    if (typeof value !== 'number' || (value << shift) >> shift !== value) misfit(schema, path, value)
    writeInteger(sink, value)
  }
}

/** @param size of a fixed; null: bytes */
export function decimalWriter(
  scale: number,
  { size, schema, path }: { readonly size: number | null; readonly schema: Schema; readonly path: string },
): AvroWriter {
  if (!Number.isInteger(scale)) throw new DataError('Invalid Decimal schema: scale parameter not found.')
  return (sink, value) => {
    if (typeof value !== 'string') misfit(schema, path, value)
    const bytes = decimalToBytes(value, scale)
    if (size === null) {
      writeBytes(sink, bytes)
      return
    }
    if (bytes.length > size) throw new DataError(`the decimal ${value} does not fit an Avro fixed of ${size}`)
    const sign = ((bytes[0] ?? 0) & 0x80) === 0 ? 0 : 0xff
    for (let i = bytes.length; i < size; i += 1) sink.byte(sign)
    sink.bytes(bytes)
  }
}

/** The error of a Connect schema whose values an Avro type cannot hold. */
export function unlike({ type, name }: Schema, typeName: string, path: string): DataError {
  const what = name === null ? type : `${type} (${name})`
  return new DataError(`the Avro type ${typeName} does not hold values of ${what}${atPath(path)}`, {
    code: 'AVRO_TYPE_MISMATCH',
  })
}
