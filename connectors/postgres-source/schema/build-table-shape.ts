import {
  arrayOf,
  ConfigError,
  struct,
  withOptions,
  type ConnectValue,
  type Schema,
  type SchemaOptions,
} from 'penstock/api'
import { adjustName, adjustPart, envelopeSchema } from '../records/envelope.ts'
import type { ColumnType, ValueDecoder } from '../values/column-type.ts'
import { numericModifier } from '../values/decimal-type.ts'
import { mapType } from '../values/type-map.ts'
import { defaultValue } from './default-value.ts'
import { recordKeyColumns } from './record-key.ts'
import { fullName, quoteTable } from './sql-text.ts'
import type { CatalogColumn, CatalogTable } from './table-catalog.ts'
import {
  tableTopic,
  type ColumnPlan,
  type DeliveredColumn,
  type Relation,
  type ShapeContext,
  type TableShape,
  type WideColumns,
} from './table-shape.ts'

/** The sources of a shape. */
export interface ShapeSources {
  /** The current catalog entry; null when the table does not exist. */
  readonly catalog: CatalogTable | null
  /** The previous shape: it knows what the catalog no longer does. */
  readonly previous: TableShape | null
  readonly wide: WideColumns
}

/** {@link ShapeSources} with what a column's mapping needs. */
interface ColumnSources extends ShapeSources {
  readonly relation: Relation
  readonly keyColumns: readonly string[]
}

interface MappedColumn {
  readonly column: DeliveredColumn
  readonly type: ColumnType
  readonly schema: Schema
  readonly required: boolean
  readonly inValue: boolean
}

/**
 * Builds the shape of a table. The catalog may be newer than the rows, so `relation` supplies what belongs to the rows:
 * columns, types and replica identity.
 */
export function buildTableShape(relation: Relation, sources: ShapeSources, context: ShapeContext): TableShape {
  if (!context.filter.includesTable(relation)) return uncapturedShape(relation)
  const { catalog, previous } = sources
  const keyColumns = recordKeyColumns(relation, catalog, previous, context)
  const mapped = relation.columns.flatMap((column) => {
    const found = mapColumn(column, { relation, keyColumns, ...sources }, context)
    return found === null ? [] : [found]
  })
  const values = mapped.filter((entry) => entry.inValue)
  const keys = keyColumns.flatMap((key) => mapped.find((entry) => entry.column.name === key) ?? [])
  const topic = tableTopic(relation, context)
  const rowSchema = struct(fieldsOf(values, relation, context), {
    optional: true,
    name: adjustName(`${topic}.Value`, context.schemaNames),
  })
  const keySchema =
    keys.length === 0
      ? null
      : struct(fieldsOf(keys, relation, context), { name: adjustName(`${topic}.Key`, context.schemaNames) })
  const plans = relation.columns.map((column) => columnPlan(column, { mapped, values, keys }, relation, context))
  if (keys.length === 0 && previous !== null && previous.keyCount > 0) {
    context.warn(
      `PG_KEYLESS: ${fullName(relation)} has lost its key: its records have no key from now on, so sinks cannot identify ` +
        `its rows. Run: ALTER TABLE ${quoteTable(relation)} ADD PRIMARY KEY (…);`,
    )
  }
  return {
    schema: relation.schema,
    name: relation.name,
    oid: relation.oid,
    relation,
    captured: true,
    topic,
    keySchema,
    rowSchema,
    envelopeSchema: envelopeSchema(rowSchema, adjustName(`${topic}.Envelope`, context.schemaNames)),
    plans,
    keyColumns: keys.map((entry) => entry.column.name),
    valueCount: values.length,
    keyCount: keys.length,
    keyDeferred: catalog?.keyDeferred ?? previous?.keyDeferred ?? false,
  }
}

/** A table that the publication covers and the filters exclude: its rows are skipped. */
function uncapturedShape(relation: Relation): TableShape {
  const { schema, name, oid } = relation
  const nothing = { keySchema: null, rowSchema: noRow, envelopeSchema: noRow, plans: [], keyColumns: [] }
  return {
    schema,
    name,
    oid,
    relation,
    captured: false,
    topic: '',
    ...nothing,
    valueCount: 0,
    keyCount: 0,
    keyDeferred: false,
  }
}

const noRow = struct([])
const skip: ValueDecoder = () => null

function columnPlan(
  column: DeliveredColumn,
  { mapped, values, keys }: Record<'mapped' | 'values' | 'keys', readonly MappedColumn[]>,
  relation: Relation,
  context: ShapeContext,
): ColumnPlan {
  const { name, inIdentity } = column
  const where = `${fullName(relation)}.${name}`
  const reports = {
    unparsable: (text: string, cause: unknown) => context.failures.unparsable(where, text, cause),
    unchanged: () => context.failures.unchangedToast(where),
  }
  const entry = mapped.find((candidate) => candidate.column === column)
  if (entry === undefined) {
    const nowhere = { valueIndex: -1, keyIndex: -1, required: false, isArray: false, elementsRequired: false }
    return { name, decode: skip, inIdentity, ...nowhere, absent: null, placeholder: null, ...reports }
  }
  return {
    name,
    decode: entry.type.decode,
    valueIndex: values.indexOf(entry),
    keyIndex: keys.indexOf(entry),
    required: entry.required,
    isArray: entry.type.isArray,
    elementsRequired: entry.type.isArray && entry.schema.valueSchema?.optional === false,
    inIdentity,
    absent: entry.required ? (entry.schema.defaultValue ?? entry.type.fallback) : null,
    placeholder: entry.type.placeholder,
    ...reports,
  }
}

/** Returns the names and schemas of fields. Rejects columns whose names become equal when they are made valid in Avro. */
function fieldsOf(
  entries: readonly MappedColumn[],
  relation: Relation,
  { fieldNames }: ShapeContext,
): (readonly [string, Schema])[] {
  const columns = new Map<string, string>()
  return entries.map(({ column: { name }, schema }) => {
    const field = adjustPart(name, fieldNames)
    const other = columns.get(field)
    if (other !== undefined) {
      throw new ConfigError(
        `PG_FIELD_NAMES: columns "${other}" and "${name}" of ${fullName(relation)} both become "${field}" with ` +
          `field.name.adjustment.mode=${fieldNames}. Set it to avro_unicode, or exclude one with column.exclude.list`,
        { code: 'PG_FIELD_NAMES' },
      )
    }
    columns.set(field, name)
    return [field, schema]
  })
}

function mapColumn(
  column: DeliveredColumn,
  { relation, keyColumns, catalog, previous, wide }: ColumnSources,
  context: ShapeContext,
): MappedColumn | null {
  const where = `${fullName(relation)}.${column.name}`
  const { types, modes } = context
  const type = mapType(column.typeOid, column.typmod, {
    types,
    modes,
    onUnrepresentable: (what) => context.failures.unrepresentable(where, what),
  })
  if (type === null) {
    const name = types.get(column.typeOid)?.name ?? `with oid ${column.typeOid}`
    context.warn(`column ${where} is excluded: its type ${name} has no mapping (include.unknown.datatypes includes it)`)
    return null
  }
  const inValue = context.filter.includesColumn(relation, column.name)
  if (!inValue && !keyColumns.includes(column.name)) return null
  const known = catalog?.columns.find((candidate) => candidate.name === column.name)
  const before = previous?.plans.find((plan) => plan.name === column.name)
  const nulls = wide.get(column.name)
  const isWide = nulls !== undefined && (nulls.has('row') || nulls.has('value'))
  const required = !isWide && (known === undefined ? before?.required === true : known.notNull)
  const options: SchemaOptions = {
    optional: !required,
    ...(context.comments && known?.comment !== null && known !== undefined ? { doc: known.comment } : {}),
  }
  const defaultOfColumn = known === undefined ? undefined : schemaDefault(known, column, context)
  const base = nulls?.has('element') === true ? withOptionalElements(type.schema) : type.schema
  const schema = withOptions(
    base,
    defaultOfColumn === undefined ? options : { ...options, defaultValue: defaultOfColumn },
  )
  return { column, type, schema, required, inValue }
}

/** The schema's default; columns of domains have none, as in Debezium. */
function schemaDefault(
  known: CatalogColumn,
  column: DeliveredColumn,
  { types, modes }: ShapeContext,
): ConnectValue | undefined {
  const type = types.get(column.typeOid)
  if (type === undefined || type.kind === 'd' || known.defaultText === null) return undefined
  // A default that cannot be represented loses nothing: the rows carry their own values.
  const read = mapType(column.typeOid, column.typmod, { types, modes, onUnrepresentable: () => null })
  if (read === null) return undefined
  const scale = type.name === 'numeric' ? (numericModifier(column.typmod)?.scale ?? null) : null
  return defaultValue(known.defaultText, { name: type.name, isEnum: type.kind === 'e', scale, column: read })
}

function withOptionalElements(schema: Schema): Schema {
  return schema.valueSchema === null ? schema : arrayOf(withOptions(schema.valueSchema, { optional: true }))
}
