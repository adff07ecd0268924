import { struct, withOptions, type ConnectValue, type Schema, type SchemaOptions } from 'penstock/api'
import type { ColumnType, ValueDecoder, ValueModes } from './column-type.ts'
import { defaultValue } from './default-value.ts'
import { adjustName, adjustPart, envelopeSchema, topicName, type NameAdjustment } from './envelope.ts'
import type { CatalogTable, ReplicaIdentity } from './table-catalog.ts'
import { customKey, fullName, type KeyColumnRule, type TableFilter, type TableName } from './table-filter.ts'
import type { TypeCatalog } from './type-catalog.ts'
import { mapType } from './type-map.ts'

/** A column as the stream or the snapshot delivers it, in its order. */
export interface DeliveredColumn {
  readonly name: string
  readonly typeOid: number
  readonly typmod: number
  /** Part of the replica identity. */
  readonly inIdentity: boolean
}

/** A table as it was when the rows that follow were written. */
export interface Relation extends TableName {
  readonly oid: number
  readonly identity: ReplicaIdentity
  readonly columns: readonly DeliveredColumn[]
}

/** How one delivered column is read, and where its value goes. */
export interface ColumnPlan {
  readonly name: string
  readonly decode: ValueDecoder
  /** Position in the row's struct; -1 when the column is left out. */
  readonly valueIndex: number
  /** Position in the key's struct; -1 when the column is no part of the key. */
  readonly keyIndex: number
  readonly optional: boolean
  /** Value of the column where a before-image of key columns leaves it out. */
  readonly absent: ConnectValue
  readonly placeholder: ConnectValue | undefined
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
}

/** The options and catalogs that shapes are made with. */
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
  /** Told of columns that are left out, and of values that are lost. */
  readonly warn: (message: string) => void
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
 * The shape of a table.
 * @param catalog what the catalog says today; null when the table is gone. The stream may be behind: what belongs to
 *   the rows (columns, types, identity) is taken from `relation`.
 * @param previous the table's shape before, for what the catalog has forgotten since.
 */
export function tableShape(
  relation: Relation,
  catalog: CatalogTable | null,
  previous: TableShape | null,
  context: ShapeContext,
): TableShape {
  if (!context.filter.includesTable(relation)) return foreignShape(relation)
  const keyColumns = keyColumnsOf(relation, catalog, previous, context)
  const mapped = relation.columns.flatMap((column) => {
    const found = mapColumn(relation, column, catalog, previous, keyColumns, context)
    return found === null ? [] : [found]
  })
  const values = mapped.filter((entry) => entry.inValue)
  const keys = keyColumns.flatMap((key) => mapped.find((entry) => entry.column.name === key) ?? [])
  const topic = tableTopic(relation, context)
  const fieldName = (entry: MappedColumn): string => adjustPart(entry.column.name, context.fieldNames)
  const rowSchema = struct(
    values.map((entry) => [fieldName(entry), entry.schema] as const),
    { optional: true, name: adjustName(`${topic}.Value`, context.schemaNames) },
  )
  const keySchema =
    keys.length === 0
      ? null
      : struct(
          keys.map((entry) => [fieldName(entry), entry.schema] as const),
          { name: adjustName(`${topic}.Key`, context.schemaNames) },
        )
  const plans = relation.columns.map((column) => planOf(column, mapped, values, keys))
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
  }
}

/** A table that the publication holds and the filters do not: known, so that its rows can be passed over. */
function foreignShape(relation: Relation): TableShape {
  const { schema, name, oid } = relation
  const nothing = { keySchema: null, rowSchema: noRow, envelopeSchema: noRow, plans: [], keyColumns: [] }
  return { schema, name, oid, relation, captured: false, topic: '', ...nothing, valueCount: 0, keyCount: 0 }
}

const noRow = struct([])
const skip: ValueDecoder = () => null

function planOf(
  column: DeliveredColumn,
  mapped: readonly MappedColumn[],
  values: readonly MappedColumn[],
  keys: readonly MappedColumn[],
): ColumnPlan {
  const entry = mapped.find((candidate) => candidate.column === column)
  if (entry === undefined) {
    const nowhere = { valueIndex: -1, keyIndex: -1, optional: true, absent: null, placeholder: null }
    return { name: column.name, decode: skip, ...nowhere }
  }
  return {
    name: column.name,
    decode: entry.type.decode,
    valueIndex: values.indexOf(entry),
    keyIndex: keys.indexOf(entry),
    optional: !entry.required,
    absent: entry.required ? (entry.schema.defaultValue ?? entry.type.fallback) : null,
    placeholder: entry.type.placeholder,
  }
}

function mapColumn(
  relation: Relation,
  column: DeliveredColumn,
  catalog: CatalogTable | null,
  previous: TableShape | null,
  keyColumns: readonly string[],
  context: ShapeContext,
): MappedColumn | null {
  const where = `${fullName(relation)}.${column.name}`
  const type = mapType(context.types, column.typeOid, column.typmod, context.modes, (what) => {
    context.warn(`column ${where} ${what}`)
  })
  if (type === null) {
    const name = context.types.get(column.typeOid)?.name ?? `with oid ${column.typeOid}`
    context.warn(`column ${where} is left out: its type ${name} has no mapping (include.unknown.datatypes keeps it)`)
    return null
  }
  const inValue = context.filter.includesColumn(relation, column.name)
  if (!inValue && !keyColumns.includes(column.name)) return null
  const known = catalog?.columns.find((candidate) => candidate.name === column.name)
  const before = previous?.plans.find((plan) => plan.name === column.name)
  const required = known === undefined ? before?.optional === false : known.notNull
  const resolved = context.types.resolve(column.typeOid, column.typmod)?.type
  const options: SchemaOptions = {
    optional: !required,
    ...(context.comments && known?.comment !== null && known !== undefined ? { doc: known.comment } : {}),
  }
  const standard =
    known === undefined || resolved === undefined
      ? undefined
      : defaultValue(known.defaultText, resolved.name, resolved.kind === 'e', type)
  const schema = withOptions(type.schema, standard === undefined ? options : { ...options, defaultValue: standard })
  return { column, type, schema, required, inValue }
}

/**
 * The key's columns, in order. With the default identity the stream itself says which columns made the primary key
 * when the row was written; the catalog of today only adds their order.
 */
function keyColumnsOf(
  relation: Relation,
  catalog: CatalogTable | null,
  previous: TableShape | null,
  context: ShapeContext,
): readonly string[] {
  const delivered = new Set(relation.columns.map((column) => column.name))
  const custom = customKey(context.keyRules, relation)
  if (custom !== null) return custom.filter((name) => delivered.has(name))
  const candidates = [catalog?.keyColumns ?? [], previous?.keyColumns ?? []]
  if (relation.identity === 'd' && catalog?.hasPrimaryKey !== false) {
    const flagged = relation.columns.filter((column) => column.inIdentity).map((column) => column.name)
    const ordered = candidates.find((names) => sameSet(names, flagged))
    if (ordered !== undefined || flagged.length > 0) return ordered ?? flagged
  }
  return candidates.find((names) => names.length > 0 && names.every((name) => delivered.has(name))) ?? []
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.length > 0 && a.every((name) => b.includes(name))
}
