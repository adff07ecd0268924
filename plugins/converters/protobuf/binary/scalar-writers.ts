import { atPath, DataError, misfit, type ByteSink, type ConnectValue, type Schema } from 'penstock/api'

import type { ProtoEnum, Scalar } from '../proto-types.ts'
import { writeBigInteger, writeInteger, writeText, writeUnsigned, zigzag } from './proto-bytes.ts'
import { unknownSymbol } from './scalar-readers.ts'

/** Writes one value after its tag. @throws DataError if it does not match the schema; the sink then has a part of it */
export type ProtoWriter = (sink: ByteSink, value: ConnectValue) => void

const integers32: readonly Scalar[] = ['int32', 'sint32', 'sfixed32']
const integers64: readonly Scalar[] = ['int64', 'sint64', 'sfixed64']
const unsigned64: readonly Scalar[] = ['uint64', 'fixed64']
const unsigned32: readonly Scalar[] = ['uint32', 'fixed32']

/** The types of Protobuf that hold the values of a Connect type. Unsigned ones hold those that were read from them. */
const holders: Readonly<Record<string, readonly Scalar[]>> = {
  INT8: [...integers32, ...integers64],
  INT16: [...integers32, ...integers64],
  INT32: [...integers32, ...integers64],
  INT64: [...integers64, ...unsigned64, ...unsigned32],
  FLOAT32: ['float', 'double'],
  FLOAT64: ['double'],
  BOOLEAN: ['bool'],
  STRING: ['string'],
  BYTES: ['bytes'],
}
const smallBits: Readonly<Record<string, number>> = { INT8: 8, INT16: 16, INT32: 32 }
const maxLong = 0x7fff_ffff_ffff_ffffn

/** Returns the writer of a primitive type. @throws DataError if the Protobuf type does not hold its values */
export function scalarWriter(type: Scalar, schema: Schema, path: string): ProtoWriter {
  if (holders[schema.type]?.includes(type) !== true) throw unlike(schema, type, path)
  switch (schema.type) {
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
    case 'BYTES':
      return (sink, value) => {
        if (!(value instanceof Uint8Array)) misfit(schema, path, value)
        writeUnsigned(sink, value.length)
        sink.bytes(value)
      }
    case 'FLOAT32':
    case 'FLOAT64':
      return floatingWriter(type, schema, path)
    default:
      return integerWriter(type, schema, path)
  }
}

function floatingWriter(type: Scalar, schema: Schema, path: string): ProtoWriter {
  const size = type === 'float' ? 4 : 8
  return (sink, value) => {
    if (typeof value !== 'number') misfit(schema, path, value)
    sink.reserve(size)
    const { buffer, position } = sink
    sink.position = size === 4 ? buffer.writeFloatLE(value, position) : buffer.writeDoubleLE(value, position)
  }
}

function integerWriter(type: Scalar, schema: Schema, path: string): ProtoWriter {
  const put = integerPut(type, path)
  const bits = smallBits[schema.type]
  if (bits !== undefined) {
    const shift = 32 - bits
    return (sink, value) => {
      if (typeof value !== 'number' || (value << shift) >> shift !== value) misfit(schema, path, value)
      put(sink, value)
    }
  }
  return (sink, value) => {
    if (typeof value === 'bigint') {
      if (value > maxLong || value < -maxLong - 1n)
        throw new DataError(`the integer ${value} does not fit 64 bits${atPath(path)}`)
      put(sink, value)
    } else if (Number.isSafeInteger(value)) put(sink, value as number)
    else misfit(schema, path, value)
  }
}

function integerPut(type: Scalar, path: string): (sink: ByteSink, value: number | bigint) => void {
  switch (type) {
    case 'sint32':
    case 'sint64':
      return (sink, value) => {
        putVarint(sink, zigzag(value))
      }
    case 'sfixed32':
      return (sink, value) => {
        sink.reserve(4)
        sink.position = sink.buffer.writeInt32LE(Number(value), sink.position)
      }
    case 'fixed64':
    case 'sfixed64':
      return (sink, value) => {
        sink.reserve(8)
        sink.position = sink.buffer.writeBigInt64LE(BigInt(value), sink.position)
      }
    case 'uint32':
    case 'fixed32':
      return (sink, value) => {
        if (value < 0 || value > 0xffff_ffff)
          throw new DataError(`the integer ${value} does not fit Protobuf's ${type}${atPath(path)}`)
        if (type === 'uint32') writeUnsigned(sink, Number(value))
        else {
          sink.reserve(4)
          sink.position = sink.buffer.writeUInt32LE(Number(value), sink.position)
        }
      }
    default:
      return putVarint
  }
}

function putVarint(sink: ByteSink, value: number | bigint): void {
  if (typeof value === 'number') writeInteger(sink, value)
  else writeBigInteger(sink, value)
}

/** Enums are the names of their symbols, or numbers. */
export function enumWriter(type: ProtoEnum, schema: Schema, path: string): ProtoWriter {
  const { values, name, isOpen } = type
  if (schema.type === 'INT32')
    return (sink, value) => {
      if (typeof value !== 'number' || (value | 0) !== value) misfit(schema, path, value)
      writeInteger(sink, value)
    }
  if (schema.type !== 'STRING') throw unlike(schema, `enum ${name}`, path)
  const unknown = `${unknownSymbol}${name}_`
  return (sink, value) => {
    const symbol = typeof value === 'string' ? value : misfit(schema, path, value)
    const number = values.get(symbol) ?? (isOpen && symbol.startsWith(unknown) ? numberOf(symbol, unknown) : null)
    if (number === null)
      throw new DataError(
        `"${symbol}" is no symbol of the Protobuf enum ${name}: ${[...values.keys()].join(', ')}${atPath(path)}`,
      )
    writeInteger(sink, number)
  }
}

/** The number of a symbol that an enum does not have, as it was read. */
function numberOf(symbol: string, prefix: string): number | null {
  const text = symbol.slice(prefix.length)
  const number = Number(text)
  return /^-?\d+$/.test(text) && (number | 0) === number ? number : null
}

/** Returns whether a value is the one that a missing field without presence has. */
export function zeroTest(schema: Schema, type: ProtoEnum | Scalar): (value: ConnectValue) => boolean {
  if (typeof type === 'object') {
    const { values } = type
    return (value) => value === 0 || (typeof value === 'string' && values.get(value) === 0)
  }
  switch (schema.type) {
    case 'BOOLEAN':
      return (value) => value === false
    case 'STRING':
      return (value) => value === ''
    case 'BYTES':
      return (value) => value instanceof Uint8Array && value.length === 0
    case 'FLOAT32':
    case 'FLOAT64':
      // Negative zero is another value.
      return (value) => Object.is(value, 0)
    default:
      return (value) => value === 0 || value === 0n
  }
}

/** The error of a Connect schema whose values a Protobuf type cannot hold. */
export function unlike({ type, name }: Schema, protoType: string, path: string): DataError {
  const what = name === null ? type : `${type} (${name})`
  return new DataError(`the Protobuf type ${protoType} does not hold values of ${what}${atPath(path)}`, {
    code: 'PROTOBUF_TYPE_MISMATCH',
  })
}
