import {
  DataError,
  present,
  struct,
  type ConnectValue,
  type Schema,
  type SchemaOptions,
  type StructValue,
} from 'penstock/api'

import { missingField } from './requirements.ts'

/** A field of a struct that is made from another struct. */
export interface ShapeField {
  readonly name: string
  readonly schema: Schema
  /** The index of the value in the struct that is read; -1 for a field that is null until it is set. */
  readonly from: number
  /** The value that replaces null; null if null stays. */
  readonly fallback: ConnectValue
  /** Converts a value that is not null; null if it is kept. */
  readonly convert: ((value: ConnectValue) => ConnectValue) | null
}

/** Structs of one schema made from structs of another. It is compiled once per schema. */
export interface StructShape {
  readonly schema: Schema
  /** @throws DataError if a required field would be null. */
  row(values: StructValue): ConnectValue[]
}

/** Returns the shape with these fields. */
export function structShape(schema: Schema, fields: readonly ShapeField[], transform: string): StructShape {
  return {
    schema,
    row(values) {
      const row = new Array<ConnectValue>(fields.length)
      for (let i = 0; i < fields.length; i += 1) {
        const field = present(fields[i], 'a field')
        let value = field.from < 0 ? null : (values[field.from] ?? null)
        if (value === null) value = field.fallback
        if (value === null) {
          if (!field.schema.optional && field.from >= 0) throw missingField(transform, field.name, field.schema)
        } else if (field.convert !== null) value = field.convert(value)
        row[i] = value
      }
      return row
    },
  }
}

/** Returns a field of `schema` that is kept, under the same or another name. */
export function keptField(field: Schema['fields'][number], replaceNull: boolean, name = field.name): ShapeField {
  return {
    name,
    schema: field.schema,
    from: field.index,
    fallback: fallbackOf(field.schema, replaceNull),
    convert: null,
  }
}

/** Returns what replaces null in a field. */
export function fallbackOf(schema: Schema, replaceNull: boolean): ConnectValue {
  return replaceNull ? (schema.defaultValue ?? null) : null
}

/** Returns name, version, documentation and parameters of a schema, which transforms keep; they drop `optional` and default. */
export function basicsOf(schema: Schema): SchemaOptions {
  const { name, version, doc, parameters } = schema
  return {
    ...(name === null ? {} : { name }),
    ...(version === null ? {} : { version }),
    ...(doc === null ? {} : { doc }),
    ...(parameters === null || Object.keys(parameters).length === 0 ? {} : { parameters }),
  }
}

/** Returns a STRUCT. @throws DataError if a name is empty or occurs twice. */
export function structOf(
  fields: readonly { readonly name: string; readonly schema: Schema }[],
  options: SchemaOptions,
  transform: string,
): Schema {
  const names = new Set<string>()
  for (const { name } of fields) {
    if (name === '') throw new DataError(`${transform}: the name of a field must not be empty`)
    if (names.has(name)) throw new DataError(`${transform}: the field "${name}" exists already`)
    names.add(name)
  }
  return struct(
    fields.map(({ name, schema }) => [name, schema]),
    options,
  )
}

/** Returns a function that computes its result once per schema object. What is no longer used is garbage collected. */
export function perSchema<T>(compute: (schema: Schema) => T): (schema: Schema) => T {
  const known = new WeakMap<Schema, { readonly result: T }>()
  return (schema) => {
    let entry = known.get(schema)
    if (entry === undefined) {
      entry = { result: compute(schema) }
      known.set(schema, entry)
    }
    return entry.result
  }
}

/** Returns what is known by this id; makes it if it is not. Of more than `limit`, all are forgotten. */
export function remembered<T>(known: Map<string, T>, id: string, limit: number, make: () => T): T {
  let result = known.get(id)
  if (result === undefined) {
    result = make()
    if (known.size >= limit) known.clear()
    known.set(id, result)
  }
  return result
}
