import { isArray, isMap } from '../../../api/json/json-text.ts'
import { Logical, type ConnectValue, type Schema } from '../../../api/schema.ts'

/**
 * Returns Connect data as values without a schema, for a person: a struct becomes an object, Connect's Date, Time and Timestamp
 * become ISO 8601 texts, a Decimal stays its exact text. All other values stay as they are, Debezium's types included.
 */
export function readableValue(schema: Schema | null, value: ConnectValue): ConnectValue {
  if (value === null || value === undefined) return null
  if (schema === null) return value
  switch (schema.type) {
    case 'STRUCT':
      return structOf(schema, value)
    case 'ARRAY':
      return isArray(value) ? value.map((item) => readableValue(schema.valueSchema, item)) : value
    case 'MAP':
      return mapOf(schema, value)
    default:
      return typeof value === 'number' ? timeOf(schema.name, value) : value
  }
}

function structOf(schema: Schema, value: ConnectValue): ConnectValue {
  if (!isArray(value)) return value
  const fields = schema.fields.map((field): [string, ConnectValue] => [
    field.name,
    readableValue(field.schema, value[field.index] ?? null),
  ])
  // A field may have the name of a member of every object.
  return Object.fromEntries(fields)
}

function mapOf(schema: Schema, value: ConnectValue): ConnectValue {
  if (!isMap(value)) return value
  const entries = [...value].map(([key, item]): [ConnectValue, ConnectValue] => [
    readableValue(schema.keySchema, key),
    readableValue(schema.valueSchema, item),
  ])
  return new Map(entries)
}

const dayMs = 86_400_000

/** A number that no date has stays a number. */
function timeOf(name: string | null, value: number): ConnectValue {
  if (name === Logical.timestamp) return isoOf(value) ?? value
  if (name === Logical.date) return isoOf(value * dayMs)?.slice(0, -'T00:00:00.000Z'.length) ?? value
  if (name === Logical.time) return isoOf(value)?.slice('1970-01-01T'.length, -1) ?? value
  return value
}

function isoOf(ms: number): string | null {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
