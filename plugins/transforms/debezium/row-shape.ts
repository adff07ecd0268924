import { primitive, type ConnectValue, type Schema, type StructValue } from 'penstock/api'

import { basicsOf, structOf } from '../record/struct-shape.ts'
import type { AddedField } from './added-field.ts'

/** The field that tells whether a row was deleted. */
export const deletedField = '__deleted'

const optionalString = primitive('STRING', { optional: true })

/** The rows of a table for the events of one schema: which columns are kept and which fields are appended. */
export interface RowShape {
  readonly schema: Schema
  /** Returns the row of a change event. @param values the columns */
  row(event: StructValue, values: StructValue): StructValue
}

/** The parameters of a shape. */
export interface ShapeRequest {
  /** The value of the field `__deleted`; null if there is no such field. */
  readonly deleted: string | null
  readonly dropped: Dropped
  readonly added: readonly AddedField[]
  /** Whether the fields are added after others were dropped, so that none of them is. */
  readonly addsLast: boolean
  /** Whether null is replaced by the default of the column. */
  readonly replaceNull: boolean
}

/** Names of fields to drop. */
export interface Dropped {
  readonly names: ReadonlySet<string>
  /** Whether required fields are kept, which keeps the schema compatible. */
  readonly keepsRequired: boolean
}

interface Column {
  readonly name: string
  readonly schema: Schema
  readonly fallback: ConnectValue
  /** The index in the row; -1 for other columns. */
  readonly index: number
  readonly read: (event: StructValue) => ConnectValue
}

/** Rows are never optional, even if the schema in the change event is. */
export function rowShape(source: Schema, request: ShapeRequest, transform: string): RowShape {
  const { dropped, addsLast } = request
  const own = [...source.fields.map(columnOf), ...deletedColumn(request.deleted)]
  const added = request.added.map(addedColumn)
  const candidates = addsLast ? own : [...own, ...added]
  const kept = candidates.filter((column) => !drops(dropped, column))
  const last = addsLast ? added : []
  // Debezium replaces null where it copies a row to change it, except to add fields.
  const replaceNull = copiesToDrop(dropped, candidates) || request.replaceNull
  const columns = [...kept, ...last].map((column) => (replaceNull ? column : withoutFallback(column)))
  const schema = structOf(columns, basicsOf({ ...source, fields: [] }), transform)
  if (keepsAll(columns, source)) return { schema, row: (_event, values) => values }
  return { schema, row: (event, values) => columns.map((column) => valueOf(column, event, values)) }
}

/** Returns whether Debezium copies the fields to drop some of them. It also does so if there are none of them. */
export function copiesToDrop(dropped: Dropped, fields: readonly { name: string; schema: Schema }[]): boolean {
  return dropped.names.size > 0 && (!dropped.keepsRequired || fields.some((field) => drops(dropped, field)))
}

function drops({ names, keepsRequired }: Dropped, field: { name: string; schema: Schema }): boolean {
  return names.has(field.name) && (field.schema.optional || !keepsRequired)
}

function columnOf({ name, schema, index }: Schema['fields'][number]): Column {
  return { name, schema, fallback: schema.defaultValue ?? null, index, read: () => null }
}

function deletedColumn(deleted: string | null): Column[] {
  if (deleted === null) return []
  return [{ name: deletedField, schema: optionalString, fallback: null, index: -1, read: () => deleted }]
}

function addedColumn({ name, schema, read }: AddedField): Column {
  return { name, schema, fallback: null, index: -1, read }
}

function withoutFallback(column: Column): Column {
  return { ...column, fallback: null }
}

function keepsAll(columns: readonly Column[], source: Schema): boolean {
  return (
    columns.length === source.fields.length &&
    columns.every(({ fallback, index }, i) => fallback === null && index === i)
  )
}

function valueOf({ index, fallback, read }: Column, event: StructValue, values: StructValue): ConnectValue {
  return index < 0 ? read(event) : (values[index] ?? fallback)
}
