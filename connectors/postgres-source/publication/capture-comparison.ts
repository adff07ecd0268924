import { createHash } from 'node:crypto'
import type { PgConnection } from '../connection/pg-connection.ts'
import { fullName, quoteTable, type TableName } from '../schema/sql-text.ts'
import { maxDroppedNames, type CaptureHistoryState, type IncompleteReason } from './capture-history-state.ts'
import type { CapturedTable, CaptureView } from './capture-view.ts'
import type { Publication } from './publication.ts'

// The pg_attribute row of a system column is as old as the table.
const attachedSql = `
select i.inhrelid::int8::float8 as oid from pg_inherits i
  join pg_attribute a on a.attrelid = i.inhrelid and a.attnum = -1
where i.inhrelid = any($1::oid[]) and a.xmin::text <> i.xmin::text`

/** New partitions that the publication covers through their roots and that were standalone tables before: it covered none of their rows. */
export async function attachedPartitions(
  sql: PgConnection,
  state: CaptureHistoryState,
  view: CaptureView,
): Promise<ReadonlySet<number>> {
  if (!state.knowsPartitions) return new Set()
  const { allTables, named } = view.publication
  const isCoveredByRoot = ({ oid, parent, root }: CapturedTable): boolean =>
    root === null ? parent !== null && !allTables && !named.has(oid) : state.tables.has(root)
  const added = view.tables.filter(
    (table) => isCoveredByRoot(table) && !state.tables.has(table.oid) && !state.formerlyCaptured.has(table.oid),
  )
  if (added.length === 0) return new Set()
  const rows = await sql.query<{ oid: number }>(attachedSql, [added.map((table) => table.oid)])
  return new Set(rows.map((row) => row.oid))
}

/**
 * Returns whether the publication is the same object with the same options since the stored state. What a re-created
 * publication sent in between is unknown; only rows written without any publication end the stream. `ALTER PUBLICATION
 * … OWNER TO` also changes `xmin`, and so hides other changes made together with it.
 */
export function isSamePublication(
  { publication: oid, options, owner }: CaptureHistoryState,
  publication: Publication,
): boolean {
  if (oid !== null && oid !== publication.oid) return false
  return options === null || options === publication.options || (owner !== null && owner !== publication.owner)
}

/** Returns how a known table has left the place where its rows were captured; null when it has not. */
export function movedReason(
  state: CaptureHistoryState,
  { publication }: CaptureView,
  table: CapturedTable,
): IncompleteReason | null {
  const { oid, parent, root, place } = table
  const before = state.places.get(oid)
  if (root === null && (state.nameHashes.get(oid) ?? '') !== '' && state.nameHashes.get(oid) !== nameHash(table))
    return 'joined'
  if (before === undefined || before === place) return null
  const isSentByPlace = root !== null || (parent !== null && !publication.allTables && !publication.named.has(oid))
  if (!isSentByPlace) return null
  return before === '' ? 'joined' : 'gap'
}

/** `DROP TABLE` sends no deletions: when another table takes the name, the old rows are still in the topic. */
export function addDropped(state: CaptureHistoryState, view: CaptureView): void {
  for (const [oid, hash] of state.nameHashes) {
    if (hash !== '' && !view.existing.has(oid)) state.droppedNames.add(hash)
  }
  for (const hash of state.droppedNames) if (state.droppedNames.size > maxDroppedNames) state.droppedNames.delete(hash)
}

/** Missing rows and changes take precedence over the missing deletions of a dropped table. */
export function hasMissingRows({ incomplete }: CaptureHistoryState, oid: number): boolean {
  return incomplete.has(oid) && incomplete.get(oid) !== 'recreated'
}

/** Rows of a partition are sent under the name of its root. */
export function isRecreated(state: CaptureHistoryState, table: CapturedTable): boolean {
  return table.root === null && !state.tables.has(table.oid) && state.droppedNames.has(nameHash(table))
}

/** Names are only compared, so a short hash keeps the offset small. */
export function nameHash(table: TableName): string {
  return createHash('sha256').update(fullName(table)).digest('base64url').slice(0, 6)
}

export async function hasRows(sql: PgConnection, table: CapturedTable): Promise<boolean> {
  const only = table.kind === 'p' ? '' : 'ONLY '
  try {
    return (await sql.query(`SELECT FROM ${only}${quoteTable(table)} LIMIT 1`)).length > 0
  } catch {
    // A table that cannot be read may hold rows.
    return true
  }
}
