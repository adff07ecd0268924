import { DataError } from '../errors.ts'
import { javaDoubleText, javaFloatText } from './java-number.ts'
import type { ConnectValue, Schema } from '../schema.ts'

/**
 * Returns the text of Java's `String.valueOf` for a value: `Struct{id=1,name=x}`, `{a=1, b=2}`, `[1, 2]`, `1.0` for a
 * float.
 * @throws DataError for bytes, whose text in Java is an object address.
 */
export function javaText(schema: Schema | null, value: ConnectValue): string {
  if (typeof value === 'number') return numberText(schema, value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Uint8Array) {
    throw new DataError('bytes have no text. Use org.apache.kafka.connect.converters.ByteArrayConverter')
  }
  const inner = schema?.valueSchema ?? null
  if (Array.isArray(value)) {
    return schema?.type === 'STRUCT'
      ? structText(schema, value)
      : `[${value.map((item: ConnectValue) => javaText(inner, item)).join(', ')}]`
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return `{${entries.map(([key, item]) => `${javaText(schema?.keySchema ?? null, key)}=${javaText(inner, item)}`).join(', ')}}`
}

function numberText(schema: Schema | null, value: number): string {
  if (schema?.type === 'FLOAT32') return javaFloatText(value)
  return schema?.type === 'FLOAT64' ? javaDoubleText(value) : String(value)
}

function structText(schema: Schema, values: readonly ConnectValue[]): string {
  const members = schema.fields.flatMap((field) => {
    const value = values[field.index] ?? null
    return value === null ? [] : [`${field.name}=${javaText(field.schema, value)}`]
  })
  return `Struct{${members.join(',')}}`
}
