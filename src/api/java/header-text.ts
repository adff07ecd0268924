import { javaDoubleText, javaFloatText } from './java-number.ts'
import { Logical, type ConnectValue, type Schema } from '../schema.ts'

const dayMs = 86_400_000

/** Returns the text of a header's value as Connect's `Values.convertToString` does. */
export function headerText(schema: Schema | null, value: ConnectValue): string {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? base64Text(value) : embedded(schema, value)
}

function base64Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

function embedded(schema: Schema | null, value: ConnectValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') {
    return schema?.name === Logical.decimal ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`
  }
  if (typeof value === 'number' || typeof value === 'bigint') return numberText(schema, value)
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return `"${base64Text(value)}"`
  if (schema?.type === 'STRUCT' && Array.isArray(value)) return structText(schema, value)
  const inner = schema?.valueSchema ?? null
  if (Array.isArray(value)) return `[${value.map((item: ConnectValue) => embedded(inner, item)).join(',')}]`
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return `{${entries.map(([key, item]) => `${embedded(schema?.keySchema ?? null, key)}:${embedded(inner, item)}`).join(',')}}`
}

/** Returns a struct as JSON, like Debezium's `__debezium.newkey`: `{"id":11}`. */
function structText(schema: Schema, values: readonly ConnectValue[]): string {
  const members = schema.fields.map(
    ({ name, index, schema: inner }) => `${embedded(null, name)}:${embedded(inner, values[index] ?? null)}`,
  )
  return `{${members.join(',')}}`
}

function numberText(schema: Schema | null, value: number | bigint): string {
  if (schema?.name === Logical.date) return isoParts(Number(value) * dayMs)?.date ?? String(value)
  if (schema?.name === Logical.time) return isoParts(Number(value))?.time ?? String(value)
  if (schema?.name === Logical.timestamp) {
    const parts = isoParts(Number(value))
    return parts === null ? String(value) : `${parts.date}T${parts.time}`
  }
  if (schema?.type === 'FLOAT32') return javaFloatText(Number(value))
  if (schema?.type === 'FLOAT64') return javaDoubleText(Number(value))
  return String(value)
}

/** Returns `-000043-03-15` and `12:00:00.000Z`; null beyond the range of Date, about ±270,000 years. */
function isoParts(ms: number): { date: string; time: string } | null {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return null
  const [day = '', time = ''] = date.toISOString().split('T')
  return { date: day, time }
}
