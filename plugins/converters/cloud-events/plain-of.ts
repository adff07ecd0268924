import type { ConnectValue, Schema } from 'penstock/api'

/** Returns a value as data without a schema: structs become maps of their fields. */
export function plainOf(schema: Schema | null, value: ConnectValue): ConnectValue {
  if (schema === null || value === null) return value
  if (schema.type === 'STRUCT') {
    const values = value as readonly ConnectValue[]
    return Object.fromEntries(
      schema.fields.map(({ name, index, schema: inner }) => [name, plainOf(inner, values[index] ?? null)]),
    )
  }
  if (schema.type === 'ARRAY')
    return (value as readonly ConnectValue[]).map((item) => plainOf(schema.valueSchema, item))
  if (schema.type !== 'MAP') return value
  const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)]
  return new Map(entries.map(([key, item]) => [plainOf(schema.keySchema, key), plainOf(schema.valueSchema, item)]))
}
