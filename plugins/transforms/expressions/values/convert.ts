import { isArray, isMap, Logical, type ConnectValue, type Schema } from 'penstock/api'

import { decimalOf, Floating, Small } from './numbers.ts'
import { Entries, ListView, OpaqueView, StructView, type Convert, type Value } from './values.ts'

const dates: ReadonlySet<string | null> = new Set([Logical.date, Logical.time, Logical.timestamp])

/** Makes a value of Groovy, with Java's class of numbers. */
export const groovyValue: Convert = (schema, value) => {
  if (value === null) return null
  if (schema === null) return plainValue(value, groovyValue)
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
      return new Small(Number(value), schema.type === 'INT8' ? 8 : 16)
    case 'INT64':
      if (dates.has(schema.name)) return new OpaqueView('a date', value)
      return typeof value === 'number' ? BigInt(value) : (value as bigint)
    case 'FLOAT32':
      return new Floating(Math.fround(Number(value)), 32)
    case 'FLOAT64':
      return new Floating(Number(value), 64)
    case 'BYTES':
      return typeof value === 'string' ? decimalOf(value) : new OpaqueView('bytes', value)
    default:
      return simpleValue(schema, value, groovyValue)
  }
}

/** Makes a value of JavaScript. A decimal is its text, which compares as a number. */
export const javascriptValue: Convert = (schema, value) => {
  if (value === null) return null
  if (schema === null) return plainValue(value, javascriptValue)
  if (schema.type === 'FLOAT32') return Math.fround(Number(value))
  if (schema.type === 'INT64') {
    return dates.has(schema.name) ? new OpaqueView('a date', value) : (value as number | bigint)
  }
  if (schema.type === 'BYTES') return typeof value === 'string' ? value : new OpaqueView('bytes', value)
  return simpleValue(schema, value, javascriptValue)
}

function simpleValue(schema: Schema, value: ConnectValue, convert: Convert): Value {
  switch (schema.type) {
    case 'STRUCT':
      return new StructView(schema, value as readonly ConnectValue[])
    case 'ARRAY':
      return listOfRecord(schema.valueSchema, value as readonly ConnectValue[], convert)
    case 'MAP':
      return entriesOf(schema, value, convert)
    default:
      return dates.has(schema.name) ? new OpaqueView('a date', value) : (value as boolean | number | string)
  }
}

function plainValue(value: ConnectValue, convert: Convert): Value {
  if (typeof value === 'number') {
    if (convert === javascriptValue) return value
    return Number.isSafeInteger(value) ? BigInt(value) : new Floating(value, 64)
  }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return new OpaqueView('bytes', value)
  return isArray(value) ? listOfRecord(null, value, convert) : entriesOf(null, value, convert)
}

function listOfRecord(schema: Schema | null, items: readonly ConnectValue[], convert: Convert): ListView {
  return new ListView(items.length, (index) => convert(schema, items[index] ?? null), { schema, items })
}

/** A key is found by its text, or by its number: maps of records have no keys of other types. */
function entriesOf(schema: Schema | null, value: ConnectValue, convert: Convert): Entries {
  const map = isMap(value) ? value : new Map<ConnectValue, ConnectValue>(Object.entries(value ?? {}))
  const [keys, values] = [schema?.keySchema ?? null, schema?.valueSchema ?? null]
  const own = (key: Value): ConnectValue | undefined => {
    if (typeof key === 'string' || typeof key === 'boolean') return key
    if (typeof key === 'bigint') return keys?.type === 'INT64' ? (map.has(key) ? key : Number(key)) : undefined
    return typeof key === 'number' && keys?.type === 'INT32' ? key : undefined
  }
  return new Entries(
    map.size,
    (key) => {
      const found = own(key)
      if (found === undefined || !map.has(found)) return undefined
      return convert(values, map.get(found) ?? null)
    },
    () => [...map.keys()].map((key) => convert(keys, key)),
  )
}
