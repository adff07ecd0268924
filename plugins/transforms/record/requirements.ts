import {
  DataError,
  isArray,
  isMap,
  type ConnectValue,
  type PlainMap,
  type Schema,
  type StructValue,
} from 'penstock/api'

import { isPlainMap } from './plain-map.ts'

/** Returns the kind of a value for messages: the type and name of its schema, or the kind of a value without one. */
export function kindOf(schema: Schema | null, value: ConnectValue): string {
  if (value === null) return 'null'
  if (schema !== null) return schema.name === null ? schema.type : `${schema.type} (${schema.name})`
  if (isArray(value)) return 'an array without a schema'
  if (isMap(value) || isPlainMap(value)) return 'a map without a schema'
  if (value instanceof Uint8Array) return 'bytes without a schema'
  return `a ${typeof value} without a schema`
}

/** Returns the error of a required field that would be null. */
export function missingField(transform: string, name: string, schema: Schema): DataError {
  return new DataError(`${transform}: null is invalid for the required field "${name}" (${schema.type})`)
}

/** Returns a text for messages: its beginning, if it is long. */
export function clipped(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

/** @throws DataError if the value is not a struct. */
export function requireStruct(schema: Schema, value: ConnectValue, transform: string): StructValue {
  if (schema.type === 'STRUCT' && isArray(value)) return value
  throw new DataError(`${transform} needs a struct, found ${kindOf(schema, value)}`)
}

/** @throws DataError if the value, which has no schema, is not a map. */
export function requireMap(value: ConnectValue, transform: string): PlainMap {
  if (isPlainMap(value)) return value
  throw new DataError(`${transform} needs a map if there is no schema, found ${kindOf(null, value)}`)
}

/** @throws DataError if the schema is not that of a struct. */
export function requireStructSchema(schema: Schema, transform: string): void {
  if (schema.type !== 'STRUCT') throw new DataError(`${transform} needs the schema of a struct, found ${schema.type}`)
}
