import {
  ConfigError,
  DataError,
  fieldOf,
  isArray,
  type ConnectValue,
  type Schema,
  type StructValue,
} from 'penstock/api'

import { requireStructSchema } from '../record/requirements.ts'
import { optionalForm } from './envelope.ts'

/** A field of the change event, and the name under which it is added. */
export interface FieldReference {
  /** The structure that contains it; null for a field of the event itself. */
  readonly parent: string | null
  readonly field: string
  readonly name: string
}

/** A reference that is compiled for the events of one schema. */
export interface AddedField {
  readonly name: string
  /** The schema of the field, optional and without a default. */
  readonly schema: Schema
  readonly read: (event: StructValue) => ConnectValue
}

const parents: Readonly<Record<string, string | null>> = {
  op: null,
  ts_ms: null,
  ts_us: null,
  ts_ns: null,
  id: 'transaction',
  total_order: 'transaction',
  data_collection_order: 'transaction',
}

/**
 * Parses `field`, `struct.field` and `field:name`. Empty references name no field.
 * @throws ConfigError if one is malformed.
 */
export function fieldReferences(references: readonly string[], prefix: string, key: string): FieldReference[] {
  return references
    .map((reference) => reference.trim())
    .filter((reference) => reference !== '')
    .map((reference) => fieldReference(reference, prefix, key))
}

function fieldReference(reference: string, prefix: string, key: string): FieldReference {
  const [path = '', alias = '', ...rest] = reference.split(':')
  const parts = path.split('.')
  const [first = '', second] = parts
  if (rest.length > 0 || parts.length > 2) {
    throw new ConfigError(
      `Invalid value ${reference} for configuration ${key}: Unexpected field name: the format is field, struct.field or field:name`,
      { key },
    )
  }
  const parent = second === undefined ? parentOf(first) : first
  const own = second === undefined ? first : `${first}_${second}`
  return { parent, field: second ?? first, name: prefix + (alias === '' ? own : alias) }
}

function parentOf(field: string): string | null {
  return Object.hasOwn(parents, field) ? (parents[field] ?? null) : 'source'
}

/**
 * Compiles references for the events of a schema. A field that neither the structure nor the event has is left out.
 * @throws DataError if the event has no such structure.
 */
export function addedFields(
  envelope: Schema,
  references: readonly FieldReference[],
  transform: string,
): readonly AddedField[] {
  return references.flatMap((reference) => addedField(envelope, reference, transform) ?? [])
}

function addedField(envelope: Schema, { parent, field, name }: FieldReference, transform: string): AddedField | null {
  const own = fieldOf(envelope, field)
  if (parent === null) return own === undefined ? null : direct(name, own.schema, own.index)
  const outer = fieldOf(envelope, parent)
  if (outer === undefined) {
    throw new DataError(
      `${transform}: the change event ${envelope.name} has no structure "${parent}" to add "${field}" from`,
    )
  }
  requireStructSchema(outer.schema, transform)
  const inner = fieldOf(outer.schema, field)
  if (inner === undefined) return own === undefined ? null : direct(name, own.schema, own.index)
  const [outerIndex, innerIndex] = [outer.index, inner.index]
  return {
    name,
    schema: optionalForm(inner.schema),
    read: (event) => {
      const struct = event[outerIndex] ?? null
      return struct !== null && isArray(struct) ? (struct[innerIndex] ?? null) : null
    },
  }
}

function direct(name: string, schema: Schema, index: number): AddedField {
  return { name, schema: optionalForm(schema), read: (event) => event[index] ?? null }
}
