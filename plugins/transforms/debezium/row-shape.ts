import { struct, type ConnectValue, type Schema, type StructValue } from 'penstock/api'

/** How structs of one schema become rows: which fields are kept and which are appended. */
export interface RowShape {
  readonly schema: Schema
  /** Returns the row of a struct's values and the appended values, in the order of the shape's appended fields. */
  row(values: StructValue, appended: readonly ConnectValue[]): StructValue
}

/** A field that is added to the columns of a table. */
export interface AppendedField {
  readonly name: string
  readonly schema: Schema
}

/** The parameters of a shape. */
export interface ShapeRequest {
  readonly dropped: ReadonlySet<string>
  /** Whether required fields are kept even if they are to be dropped. */
  readonly keepRequired: boolean
  readonly appended: readonly AppendedField[]
  readonly replaceNullWithDefault: boolean
}

/** Rows are never optional, even if the schema in the change event is. */
export function rowShape(source: Schema, request: ShapeRequest): RowShape {
  const kept = source.fields.filter(
    (field) => !request.dropped.has(field.name) || (request.keepRequired && !field.schema.optional),
  )
  const schema = struct(
    [
      ...kept.map((field) => [field.name, field.schema] as const),
      ...request.appended.map((field) => [field.name, field.schema] as const),
    ],
    {
      ...(source.name === null ? {} : { name: source.name }),
      ...(source.version === null ? {} : { version: source.version }),
      ...(source.doc === null ? {} : { doc: source.doc }),
      ...(source.parameters === null ? {} : { parameters: source.parameters }),
    },
  )
  const indexes = kept.map((field) => field.index)
  const defaults = kept.map((field) => (request.replaceNullWithDefault ? (field.schema.defaultValue ?? null) : null))
  const untouched = kept.length === source.fields.length && defaults.every((value) => value === null)
  const project = (values: StructValue): ConnectValue[] =>
    indexes.map((index, i) => values[index] ?? defaults[i] ?? null)
  if (!untouched) return { schema, row: (values, appended) => [...project(values), ...appended] }
  return { schema, row: (values, appended) => (appended.length === 0 ? values : [...values, ...appended]) }
}
