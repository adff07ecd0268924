import {
  arrayOf,
  ConfigError,
  struct,
  withOptions,
  type ConnectValue,
  type Schema,
  type SchemaOptions,
} from 'penstock/api'
import type { ColumnType, ValueDecoder, ValueModes } from '../values/column-type.ts'
import { defaultValue } from './default-value.ts'
import { adjustName, adjustPart, envelopeSchema, topicName, type NameAdjustment } from '../records/envelope.ts'
import type { CatalogColumn, CatalogTable, ReplicaIdentity } from './table-catalog.ts'
import { customKey, type KeyColumnRule } from './key-column-rule.ts'
import { fullName, quoteTable, type TableName } from './sql-text.ts'
import type { TableFilter } from './table-filter.ts'
import type { TypeCatalog } from './type-catalog.ts'
import { mapType, numericModifier } from '../values/type-map.ts'
import type { ConversionFailures } from '../values/conversion-failures.ts'

/** A column as the stream or the snapshot delivers it, in its order. */
export interface DeliveredColumn {
  readonly name: string
  readonly typeOid: number
  readonly typmod: number
  /** Whether it belongs to the replica identity. */
  readonly inIdentity: boolean
}

/** A table as of the rows that follow. */
export interface Relation extends TableName {
  readonly oid: number
  readonly identity: ReplicaIdentity
  readonly columns: readonly DeliveredColumn[]
}

/** A null where a shape requires a value. */
export interface NullPlace {
  readonly column: string
  /** The row holds a null, a value had to become null, or an array contains one. */
  readonly cause: 'row' | 'value' | 'element'
}

/** Columns that hold nulls although the catalog says NOT NULL: their schema becomes optional. */
export type WideColumns = ReadonlyMap<string, ReadonlySet<NullPlace['cause']>>

/** How to decode one delivered column, and where its value goes. */
export interface ColumnPlan {
  readonly name: string
  readonly decode: ValueDecoder
  /** Position in the row's struct; -1 when the column is excluded. */
  readonly valueIndex: number
  /** Position in the key's struct; -1 when the column is not part of the key. */
  readonly keyIndex: number
  readonly required: boolean
  readonly isArray: boolean
  /** Whether it is an array whose elements must not be null. */
  readonly elementsRequired: boolean
  /** Whether it belongs to the replica identity: an old image of identity columns holds its value. */
  readonly inIdentity: boolean
  /** The value where an old image of identity columns does not include the column. */
  readonly absent: ConnectValue
  readonly placeholder: ConnectValue | undefined
  /** Reports a text that the decoder cannot parse; returns the null that replaces it. */
  readonly unparsable: (text: string, cause: unknown) => null
  /** Reports an unchanged TOAST value without a placeholder. */
  readonly unchanged: () => void
}

/** One version of a table: its schemas, and how to read its rows. The same object as long as nothing changes. */
export interface TableShape extends TableName {
  readonly oid: number
  readonly relation: Relation
  readonly captured: boolean
  readonly topic: string
  readonly keySchema: Schema | null
  readonly rowSchema: Schema
  readonly envelopeSchema: Schema
  readonly plans: readonly ColumnPlan[]
  readonly keyColumns: readonly string[]
  readonly valueCount: number
  readonly keyCount: number
  /** Whether two rows may have the same key for a while inside a transaction. */
  readonly keyDeferred: boolean
}

/** The options and catalogs that shapes are built with. */
export interface ShapeContext {
  readonly prefix: string
  readonly delimiter: string
  readonly filter: TableFilter
  readonly keyRules: readonly KeyColumnRule[]
  readonly modes: ValueModes
  readonly schemaNames: NameAdjustment
  readonly fieldNames: NameAdjustment
  readonly comments: boolean
  readonly types: TypeCatalog
  /** Warns once about a column or table. */
  readonly warn: (message: string) => void
  /** Reports what single rows lose. */
  readonly failures: ConversionFailures
}

/** What a shape is built from. */
export interface ShapeSources {
  /** The current catalog entry; null when the table does not exist. */
  readonly catalog: CatalogTable | null
  /** The previous shape: it knows what the catalog no longer does. */
  readonly previous: TableShape | null
  readonly wide: WideColumns
}

interface MappedColumn {
  readonly column: DeliveredColumn
  readonly type: ColumnType
  readonly schema: Schema
  readonly required: boolean
  readonly inValue: boolean
}

/** The topic of a table's rows, before transforms. */
export function tableTopic(
  { schema, name }: { readonly schema: string; readonly name: string },
  context: Pick<ShapeContext, 'prefix' | 'delimiter'>,
): string {
  return topicName([context.prefix, schema, name].join(context.delimiter))
}

/**
 * Builds the shape of a table. The catalog may be newer than the rows, so `relation` supplies what belongs to the rows:
 * columns, types and replica identity.
 */
export function tableShape(relation: Relation, sources: ShapeSources, context: ShapeContext): TableShape {
  if (!context.filter.includesTable(relation)) return uncapturedShape(relation)
  const { catalog, previous } = sources
  const keyColumns = keyColumnsOf(relation, catalog, previous, context)
  const mapped = relation.columns.flatMap((column) => {
    const found = mapColumn(relation, column, sources, keyColumns, context)
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
  const plans = relation.columns.map((column) => planStart(column, { mapped, values, keys }, relation, context))
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

function planStart(
  column: DeliveredColumn,
  { mapped, values, keys }: Record<'mapped' | 'values' | 'keys', readonly MappedColumn[]>,
  relation: Relation,
  context: ShapeContext,
): ColumnPlan {
  const { name, inIdentity } = column
  const where = `${fullName(relation)}.${name}`
  const told = {
    unparsable: (text: string, cause: unknown) => context.failures.unparsable(where, text, cause),
    unchanged: () => context.failures.unchangedToast(where),
  }
  const entry = mapped.find((candidate) => candidate.column === column)
  if (entry === undefined) {
    const nowhere = { valueIndex: -1, keyIndex: -1, required: false, isArray: false, elementsRequired: false }
    return { name, decode: skip, inIdentity, ...nowhere, absent: null, placeholder: null, ...told }
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
    ...told,
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
  relation: Relation,
  column: DeliveredColumn,
  { catalog, previous, wide }: ShapeSources,
  keyColumns: readonly string[],
  context: ShapeContext,
): MappedColumn | null {
  const where = `${fullName(relation)}.${column.name}`
  const { types, modes } = context
  const type = mapType(types, column.typeOid, column.typmod, modes, (what) =>
    context.failures.unrepresentable(where, what),
  )
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
  const standard = known === undefined ? undefined : standardOf(known, column, context)
  const held = nulls?.has('element') === true ? withOptionalElements(type.schema) : type.schema
  const schema = withOptions(held, standard === undefined ? options : { ...options, defaultValue: standard })
  return { column, type, schema, required, inValue }
}

/** The schema's default; columns of domains have none, as in Debezium. */
function standardOf(
  known: CatalogColumn,
  column: DeliveredColumn,
  { types, modes }: ShapeContext,
): ConnectValue | undefined {
  const type = types.get(column.typeOid)
  if (type === undefined || type.kind === 'd' || known.defaultText === null) return undefined
  // A default that cannot be represented loses nothing: the rows carry their own values.
  const read = mapType(types, column.typeOid, column.typmod, modes, () => null)
  if (read === null) return undefined
  const scale = type.name === 'numeric' ? (numericModifier(column.typmod)?.scale ?? null) : null
  return defaultValue(known.defaultText, { name: type.name, isEnum: type.kind === 'e', scale, column: read })
}

function withOptionalElements(schema: Schema): Schema {
  return schema.valueSchema === null ? schema : arrayOf(withOptions(schema.valueSchema, { optional: true }))
}

/**
 * Returns the key's columns, in order. With the default replica identity the stream itself marks the columns of the
 * primary key as of the row; the current catalog only adds their order. Without marked columns there was no primary key,
 * and a unique index may identify rows. With another identity only the catalog knows the key, or else the previous shape.
 */
function keyColumnsOf(
  relation: Relation,
  catalog: CatalogTable | null,
  previous: TableShape | null,
  context: ShapeContext,
): readonly string[] {
  const delivered = new Set(relation.columns.map((column) => column.name))
  const custom = customKey(context.keyRules, relation)
  if (custom !== null) {
    const absent = custom.filter((name) => !delivered.has(name))
    if (absent.length > 0) context.failures.keyColumnsMissing(fullName(relation), absent)
    return custom.filter((name) => delivered.has(name))
  }
  const isWhole = (names: readonly string[]): boolean => names.every((name) => delivered.has(name))
  const before = previous?.keyColumns ?? []
  if (relation.identity === 'd') {
    const flagged = flaggedColumns(relation)
    const ordered = [catalog?.keyColumns ?? [], before].find((names) => sameSet(names, flagged))
    if (flagged.length > 0) return ordered ?? flagged
    if (catalog !== null) return isWhole(catalog.uniqueColumns) ? catalog.uniqueColumns : []
    return previous !== null && flaggedColumns(previous.relation).length === 0 && isWhole(before) ? before : []
  }
  if (catalog !== null && isWhole(catalog.keyColumns)) return catalog.keyColumns
  return isWhole(before) ? before : []
}

function flaggedColumns(relation: Relation): string[] {
  return relation.columns.filter((column) => column.inIdentity).map((column) => column.name)
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.length > 0 && a.every((name) => b.includes(name))
}
