import {
  fieldOf,
  isArray,
  isMap,
  withOptions,
  type ConnectRecord,
  type ConnectValue,
  type PlainMap,
  type Schema,
  type StructValue,
} from 'penstock/api'

/** A value of a change event together with its schema; the schema is null in events without schemas. */
export interface Part {
  readonly schema: Schema | null
  readonly value: ConnectValue
}

/** Looks into a change event, whether it came with a schema or as plain JSON. */
export interface ChangeEvent {
  readonly op: string
  readonly before: Part
  readonly after: Part
  /** Null when the event has no such member. */
  part(parent: string | null, field: string): Part | null
}

const nothing: Part = { schema: null, value: null }

/** The change event that a record carries; null when its value is none. */
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

/** What stands in an optional structure is optional too: the structure may be missing as a whole. */
function memberOf(schema: Schema, value: StructValue | null, name: string): Part | null {
  const field = fieldOf(schema, name)
  if (field === undefined) return null
  return {
    schema: schema.optional ? optionalForm(field.schema) : field.schema,
    value: value?.[field.index] ?? null,
  }
}

const optionalForms = new WeakMap<Schema, Schema>()

/** The schema, which nothing has to have a value for. */
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

/** Whether a schemaless value is a JSON object. */
export function isPlainMap(value: ConnectValue): value is PlainMap {
  return (
    typeof value === 'object' && value !== null && !isArray(value) && !isMap(value) && !(value instanceof Uint8Array)
  )
}
