import { customKey } from './key-column-rule.ts'
import { fullName } from './sql-text.ts'
import type { CatalogTable } from './table-catalog.ts'
import type { Relation, ShapeContext, TableShape } from './table-shape.ts'

/**
 * Returns the key's columns, in order. With the default replica identity the stream itself marks the columns of the
 * primary key as of the row; the current catalog only adds their order. Without marked columns there was no primary key,
 * and a unique index may identify rows. With another identity only the catalog knows the key, or else the previous shape.
 */
export function recordKeyColumns(
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
