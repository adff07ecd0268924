import { fieldOf, isArray, isMap, type ConnectValue, type Schema, type SinkRecord } from 'penstock/api'

/** A field of a record's value. */
export interface FieldValue {
  /** Null without a schema. */
  readonly schema: Schema | null
  /** Null too where the struct or map around the field is null. */
  readonly value: ConnectValue
}

/** Where a field is in the structs of a schema. */
interface Way {
  readonly indexes: readonly number[]
  readonly schema: Schema
}

/** Reads the field of a value; undefined where the value has no such field. */
export type FieldReader = (record: SinkRecord) => FieldValue | undefined

/** Returns the reader of a field: its name, or names with dots between them for one in nested structs or maps. */
export function fieldReader(name: string): FieldReader {
  const ways = new WeakMap<Schema, Way | null>()
  const names = name.split('.')
  return ({ valueSchema, value }) => {
    if (valueSchema === null) return inMap(value, name, names)
    let way = ways.get(valueSchema)
    if (way === undefined) {
      way = wayTo(valueSchema, [name]) ?? wayTo(valueSchema, names)
      ways.set(valueSchema, way)
    }
    if (way === null) return undefined
    let at: ConnectValue = value
    for (const index of way.indexes) at = isArray(at) ? (at[index] ?? null) : null
    return { schema: way.schema, value: at }
  }
}

function wayTo(root: Schema, names: readonly string[]): Way | null {
  const indexes: number[] = []
  let schema = root
  for (const name of names) {
    const field = schema.type === 'STRUCT' ? fieldOf(schema, name) : undefined
    if (field === undefined) return null
    indexes.push(field.index)
    schema = field.schema
  }
  return { indexes, schema }
}

function inMap(value: ConnectValue, name: string, names: readonly string[]): FieldValue | undefined {
  const whole = memberOf(value, name)
  if (whole !== undefined || names.length === 1) return whole === undefined ? undefined : { schema: null, value: whole }
  let at: ConnectValue = value
  for (const part of names) {
    const member = at === null ? null : memberOf(at, part)
    if (member === undefined) return undefined
    at = member
  }
  return { schema: null, value: at }
}

function memberOf(value: ConnectValue, name: string): ConnectValue | undefined {
  if (isMap(value)) return value.get(name)
  const isObject = typeof value === 'object' && value !== null && !isArray(value) && !(value instanceof Uint8Array)
  return isObject && Object.hasOwn(value, name) ? value[name] : undefined
}
