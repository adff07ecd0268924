import {
  fieldOf,
  isArray,
  withOptions,
  type ConnectRecord,
  type ConnectValue,
  type PlainMap,
  type Schema,
  type StructValue,
} from 'penstock/api'

import { isPlainMap } from '../record/plain-map.ts'

/** A value in a change event with its schema, which is null in events without schemas. */
export interface Part {
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/** Reads a change event, with a schema or as plain JSON. */
export interface ChangeEvent {
  readonly op: string
  readonly before: Part
  readonly after: Part
  /** Returns null if the event has no such member. */
  part(parent: string | null, field: string): Part | null
}

const nothing: Part = { schema: null, value: null }

/** Returns the change event in a record; null if its value is not one. */
export function changeEventOf(record: ConnectRecord): ChangeEvent | null {
  const { value, valueSchema } = record
  if (valueSchema === null) return isPlainMap(value) && looksLikeEnvelope(value) ? plainEvent(value) : null
  if (valueSchema.type !== 'STRUCT' || valueSchema.name?.endsWith('.Envelope') !== true || !isArray(value)) return null
  return structEvent(valueSchema, value)
}

function structEvent(schema: Schema, value: StructValue): ChangeEvent {
  const member = (name: string): Part | null => memberOf(schema, value, name)
  return {
    op: String(member('op')?.value ?? ''),
    before: member('before') ?? nothing,
    after: member('after') ?? nothing,
    part(parent, field) {
      if (parent === null) return member(field)
      const outer = member(parent)
      if (outer === null || outer.schema === null) return null
      return memberOf(outer.schema, isArray(outer.value) ? outer.value : null, field)
    },
  }
}

/** The fields of an optional structure are optional too, because the structure may be missing. */
function memberOf(schema: Schema, value: StructValue | null, name: string): Part | null {
  const field = fieldOf(schema, name)
  if (field === undefined) return null
  return {
    schema: schema.optional ? optionalForm(field.schema) : field.schema,
    value: value?.[field.index] ?? null,
  }
}

const optionalForms = new WeakMap<Schema, Schema>()

/** Returns the schema as optional. */
export function optionalForm(schema: Schema): Schema {
  if (schema.optional) return schema
  let form = optionalForms.get(schema)
  if (form === undefined) {
    form = withOptions(schema, { optional: true })
    optionalForms.set(schema, form)
  }
  return form
}

function looksLikeEnvelope(value: PlainMap): boolean {
  return typeof value['op'] === 'string' && Object.hasOwn(value, 'source') && ('after' in value || 'before' in value)
}

function plainEvent(envelope: PlainMap): ChangeEvent {
  const member = (map: PlainMap, name: string): Part | null =>
    Object.hasOwn(map, name) ? { schema: null, value: map[name] ?? null } : null
  return {
    op: String(envelope['op']),
    before: member(envelope, 'before') ?? nothing,
    after: member(envelope, 'after') ?? nothing,
    part(parent, field) {
      if (parent === null) return member(envelope, field)
      const outer = envelope[parent] ?? null
      return isPlainMap(outer) ? member(outer, field) : null
    },
  }
}
