import type { ConnectValue, Schema } from 'penstock/api'
import { topicName, type NameAdjustment } from '../records/envelope.ts'
import type { ValueDecoder, ValueModes } from '../values/column-type.ts'
import type { ConversionFailures } from '../values/conversion-failures.ts'
import type { KeyColumnRule } from './key-column-rule.ts'
import type { TableName } from './sql-text.ts'
import type { ReplicaIdentity } from './table-catalog.ts'
import type { TableFilter } from './table-filter.ts'
import type { TypeCatalog } from './type-catalog.ts'

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

/** The decoder of one delivered column, and the place of its value. */
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

/** The topic of a table's rows, before transforms. */
export function tableTopic(
  { schema, name }: { readonly schema: string; readonly name: string },
  context: Pick<ShapeContext, 'prefix' | 'delimiter'>,
): string {
  return topicName([context.prefix, schema, name].join(context.delimiter))
}
