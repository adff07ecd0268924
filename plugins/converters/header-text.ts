import { DataError, javaDoubleText, javaFloatText, Logical, type ConnectValue, type Schema } from 'penstock/api'

const dayMs = 86_400_000

/** The text of a header's value by Connect's `Values.convertToString`. */
export function headerText(schema: Schema | null, value: ConnectValue): string {
  return typeof value === 'string' ? value : embedded(schema, value)
}

function embedded(schema: Schema | null, value: ConnectValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') {
    return schema?.name === Logical.decimal ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`
  }
  if (typeof value === 'number' || typeof value === 'bigint') return numberText(schema, value)
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (schema?.type === 'STRUCT' && Array.isArray(value)) return structText(schema, value)
  const inner = schema?.valueSchema ?? null
  if (Array.isArray(value)) return `[${value.map((item: ConnectValue) => embedded(inner, item)).join(',')}]`
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return `{${entries.map(([key, item]) => `${embedded(schema?.keySchema ?? null, key)}:${embedded(inner, item)}`).join(',')}}`
}

/** A struct as Debezium's `__debezium.newkey` shows it: `{"id":11}`. */
function structText(schema: Schema, values: readonly ConnectValue[]): string {
  const members = schema.fields.map(
    ({ name, index, schema: inner }) => `${embedded(null, name)}:${embedded(inner, values[index] ?? null)}`,
  )
  return `{${members.join(',')}}`
}

function numberText(schema: Schema | null, value: number | bigint): string {
  if (schema?.name === Logical.date) return isoText(Number(value) * dayMs).slice(0, 10)
  if (schema?.name === Logical.time) return isoText(Number(value)).slice(11)
  if (schema?.name === Logical.timestamp) return isoText(Number(value))
  if (schema?.type === 'FLOAT32') return javaFloatText(Number(value))
  if (schema?.type === 'FLOAT64') return javaDoubleText(Number(value))
  return String(value)
}

function isoText(ms: number): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) throw new DataError(`${ms} is no time that can be written as text`)
  return date.toISOString()
}
