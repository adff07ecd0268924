import { DataError, int64Form, TextMemo, type ConnectValue, type Schema } from 'penstock/api'

import type { ProtoEnum, ProtoField, Scalar } from '../proto-types.ts'
import type { ProtoCursor } from './proto-cursor.ts'

/**
 * Reads a value as Connect data. Returns null for a symbol that a closed enum does not have.
 * @param old the value that the field has already: two messages in one field are merged
 */
export type ProtoReader = (cursor: ProtoCursor, old: ConnectValue) => ConnectValue

const empty = Buffer.alloc(0)

export function scalarReader(type: Scalar, schema: Schema): ProtoReader {
  switch (type) {
    case 'double':
      return (cursor) => cursor.double()
    case 'float':
      return (cursor) => cursor.float()
    case 'int32':
      return smallReader(schema, (cursor) => cursor.int32())
    case 'sint32':
      return smallReader(schema, (cursor) => cursor.sint32())
    case 'sfixed32':
      return smallReader(schema, (cursor) => cursor.sfixed32())
    case 'uint32':
      return (cursor) => cursor.uint32()
    case 'fixed32':
      return (cursor) => cursor.fixed32()
    case 'int64':
    case 'uint64':
      return (cursor) => cursor.int64()
    case 'sint64':
      return (cursor) => cursor.sint64()
    case 'fixed64':
    case 'sfixed64':
      return (cursor) => cursor.fixed64()
    case 'bool':
      return (cursor) => cursor.bool()
    case 'bytes':
      return (cursor) => cursor.bytes()
    default: {
      const memo = new TextMemo()
      return (cursor) => cursor.text(memo)
    }
  }
}

const smallBits: Readonly<Record<string, number>> = { INT8: 8, INT16: 16 }

function smallReader({ type }: Schema, read: (cursor: ProtoCursor) => number): ProtoReader {
  const bits = smallBits[type]
  if (bits === undefined) return read
  const shift = 32 - bits
  return (cursor) => {
    const value = read(cursor)
    if ((value << shift) >> shift !== value) throw new DataError(`the integer ${value} does not fit Connect's ${type}`)
    return value
  }
}

/** Enums are numbers, or the names of their symbols. Those of an open one without symbol have the name that Java gives them. */
export function enumReader(type: ProtoEnum, schema: Schema): ProtoReader {
  const symbols = symbolsOf(type)
  const { isOpen, name } = type
  if (schema.type === 'INT32')
    return (cursor) => {
      const number = cursor.int32()
      return isOpen || symbols.has(number) ? number : null
    }
  return (cursor) => {
    const number = cursor.int32()
    const symbol = symbols.get(number)
    if (symbol !== undefined) return symbol
    return isOpen ? `${unknownSymbol}${name}_${number}` : null
  }
}

export const unknownSymbol = 'UNKNOWN_ENUM_VALUE_'

/** Several symbols may have the same number: the first one stands for it. */
function symbolsOf({ values }: ProtoEnum): ReadonlyMap<number, string> {
  return new Map([...values].reverse().map(([symbol, number]) => [number, symbol]))
}

const zeros: Readonly<Record<string, ConnectValue>> = { BOOLEAN: false, STRING: '', BYTES: empty }

/** Returns the value of a scalar or an enum that is missing. @throws DataError if it has a default that cannot be read exactly */
export function missingValue({ type, defaultValue, name }: ProtoField, schema: Schema): ConnectValue {
  if (typeof type === 'object' && type.kind === 'enum') {
    const symbol = typeof defaultValue === 'string' ? defaultValue : ([...type.values.keys()][0] ?? '')
    const number = type.values.get(symbol) ?? 0
    return schema.type === 'STRING' ? (symbolsOf(type).get(number) ?? symbol) : number
  }
  if (defaultValue === undefined) return zeros[schema.type] ?? 0
  const fault = new DataError(`the default of the field "${name}" cannot be read exactly: ${String(defaultValue)}`)
  switch (schema.type) {
    case 'BOOLEAN':
      return defaultValue === true || defaultValue === 'true'
    case 'STRING':
      return String(defaultValue)
    case 'BYTES':
      return Buffer.from(String(defaultValue), 'latin1')
    case 'FLOAT32':
    case 'FLOAT64':
      return Number(defaultValue)
    default: {
      const value = Number(defaultValue)
      if (!Number.isSafeInteger(value)) throw fault
      return int64Form(BigInt(value))
    }
  }
}
