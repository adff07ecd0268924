import type { PublishedTable } from '../publication/publication.ts'
import { customKey, type KeyColumnRule } from './key-column-rule.ts'
import { quoteIdentifier, quoteTable } from './sql-text.ts'
import { isInIdentity, type CatalogColumn, type CatalogTable } from './table-catalog.ts'
import type { TableFilter } from './table-filter.ts'
import type { Relation } from './table-shape.ts'

/** The captured part of a table: the snapshot reads exactly the columns and rows that the stream sends. */
export interface TableProjection {
  readonly table: CatalogTable
  readonly columns: readonly CatalogColumn[]
  /** The row filter of the publication; null for all rows. */
  readonly rowFilter: string | null
}

/** The options that select columns. */
export interface ColumnChoice {
  readonly filter: TableFilter
  readonly keyRules: readonly KeyColumnRule[]
}

/** @param published the table as the publication sends it; null without a publication */
export function tableProjection(
  table: CatalogTable,
  published: PublishedTable | null,
  choice: ColumnChoice,
): TableProjection {
  const key = new Set(customKey(choice.keyRules, table) ?? table.keyColumns)
  const isSent = (column: CatalogColumn): boolean =>
    published === null || published.columns === null
      ? column.generated === null
      : published.columns.includes(column.name)
  const isWanted = (column: CatalogColumn): boolean =>
    key.has(column.name) || choice.filter.includesColumn(table, column.name)
  return {
    table,
    columns: table.columns.filter((column) => isSent(column) && isWanted(column)),
    rowFilter: published?.rowFilter ?? null,
  }
}

/** The columns in the form of the stream's Relation message. */
export function relationOf({ table, columns }: TableProjection): Relation {
  return {
    oid: table.oid,
    schema: table.schema,
    name: table.name,
    identity: table.identity,
    columns: columns.map(({ name, typeOid, typmod }) => {
      return { name, typeOid, typmod, inIdentity: isInIdentity(table, name) }
    }),
  }
}

/** COPY of the table itself is faster, but supports no conditions, generated columns or partitions. */
export function copyStatement(part: TableProjection): string {
  const { table, columns, rowFilter } = part
  const isPlain = table.kind === 'r' && rowFilter === null && columns.length > 0
  if (isPlain && columns.every((column) => column.generated === null)) {
    return `COPY ${quoteTable(table)} (${columnList(part)}) TO STDOUT`
  }
  const where = rowFilter === null ? '' : ` WHERE ${rowFilter}`
  return `COPY (SELECT ${columnList(part)} FROM ${rowsOf(table)}${where}) TO STDOUT`
}

/** Takes the table's ACCESS SHARE lock until the transaction ends, and needs no more privileges than reading it. */
export function lockStatement(part: TableProjection): string {
  return `SELECT ${columnList(part)} FROM ${rowsOf(part.table)} LIMIT 0`
}

function columnList({ columns }: TableProjection): string {
  return columns.map((column) => quoteIdentifier(column.name)).join(', ')
}

/** Children of an inherited table have their own names in the stream; partitions that are sent as their root do not. */
function rowsOf(table: CatalogTable): string {
  return table.kind === 'p' ? quoteTable(table) : `ONLY ${quoteTable(table)}`
}
