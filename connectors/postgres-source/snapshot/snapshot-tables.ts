import type { SourceSettings } from '../config/source-settings.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import type { Publication } from '../publication/publication.ts'
import { fullName } from '../schema/sql-text.ts'
import { readTables, type CatalogTable } from '../schema/table-catalog.ts'

/**
 * The tables of the snapshot: those under whose names the publication sends changes, so that a partitioned table is
 * read as itself or as its partitions. Without a publication, each table that holds rows is read.
 */
export function selectSnapshotTables(
  settings: SourceSettings,
  tables: readonly CatalogTable[],
  publication: Publication | null,
): CatalogTable[] {
  const isSent = (table: CatalogTable): boolean =>
    publication === null || publication.tables.some((other) => other.oid === table.oid)
  const isSelected = (table: CatalogTable): boolean =>
    settings.snapshotTables.length === 0 ||
    settings.snapshotTables.some((pattern) => pattern.regex.test(fullName(table)))
  return tables.filter((table) => isSent(table) && isSelected(table))
}

/** Reads the tables again inside the snapshot: they may have changed since the preflight. */
export async function currentTables(sql: PgConnection, tables: readonly CatalogTable[]): Promise<CatalogTable[]> {
  const found = await readTables(
    sql,
    tables.map((table) => table.oid),
  )
  return tables.flatMap((table) => found.find((other) => other.oid === table.oid) ?? [])
}

/** The rows of the tables by the last ANALYZE of each; null while one of them has none. */
export async function expectedRows(sql: PgConnection, tables: readonly CatalogTable[]): Promise<number | null> {
  if (tables.length === 0) return null
  const [estimate] = await sql.query<{ rows: number | null }>(
    `select case when min(reltuples) >= 0 then sum(reltuples::float8) end as rows from pg_class
     where oid in (${tables.map((table) => table.oid).join()})`,
  )
  return estimate?.rows ?? null
}
