import { fullName, quoteIdentifier, quoteTable } from '../schema/sql-text.ts'
import { isInIdentity, type CatalogTable } from '../schema/table-catalog.ts'

/** The properties of a publication that decide which writes Postgres rejects. */
export interface PublishingRules {
  /** The published operations: insert, update, delete, truncate. */
  readonly operations: ReadonlySet<string>
  readonly generatedColumns: boolean
  readonly publication: string
  readonly serverVersion: number
}

/** A published table on which Postgres rejects UPDATE, DELETE, and INSERT … ON CONFLICT DO UPDATE. */
export interface RejectedWrites {
  readonly table: CatalogTable
  readonly reason: string
  /** The statement that makes the writes succeed. */
  readonly remedy: string
}

/** The first release that checks for generated columns in the replica identity. */
const generatedIdentityVersion = 180_000

/** Returns why the application's writes to the table would fail once a publication covers it; null when they would not. */
export function rejectedWrites(table: CatalogTable, rules: PublishingRules): RejectedWrites | null {
  if (table.kind !== 'r' || !(rules.operations.has('update') || rules.operations.has('delete'))) return null
  const sql = quoteTable(table)
  if (table.oldColumns === null) {
    const remedy = `ALTER TABLE ${sql} ADD PRIMARY KEY (…); or ALTER TABLE ${sql} REPLICA IDENTITY FULL;`
    return { table, reason: 'has no replica identity', remedy }
  }
  if (rules.serverVersion < generatedIdentityVersion) return null
  const generated = generatedIn(table, table.oldColumns)
  const virtual = generated.filter((column) => column.generated === 'v')
  if (virtual.length === 0 && (generated.length === 0 || rules.generatedColumns)) return null
  const names = (virtual.length > 0 ? virtual : generated).map((column) => column.name).join(', ')
  const remedy =
    table.identity === 'f'
      ? `ALTER TABLE ${sql} REPLICA IDENTITY DEFAULT;${table.hasPrimaryKey ? '' : ' after ADD PRIMARY KEY (…);'}`
      : `ALTER PUBLICATION ${quoteIdentifier(rules.publication)} SET (publish_generated_columns = stored);`
  return { table, reason: `has the generated column ${names} in its replica identity`, remedy }
}

/** Returns whether writes to the table only succeed when the publication also sends stored generated columns. */
export function needsGeneratedColumns(table: CatalogTable, serverVersion: number): boolean {
  if (serverVersion < generatedIdentityVersion || table.kind !== 'r') return false
  return generatedIn(table, table.oldColumns ?? []).some((column) => column.generated === 's')
}

function generatedIn(table: CatalogTable, names: readonly string[]): CatalogTable['columns'] {
  return table.columns.filter((column) => column.generated !== null && names.includes(column.name))
}

/** Warns about a published table whose changes lack what sinks need to identify rows. */
export function identityWarnings(
  table: CatalogTable,
  rules: PublishingRules,
  custom: readonly string[] | null,
): string[] {
  const name = fullName(table)
  const sql = quoteTable(table)
  if (table.kind !== 'r') return []
  const refused = rejectedWrites(table, rules)
  if (refused !== null) {
    return [
      `PG_REPLICA_IDENTITY: ${name} ${refused.reason}: while it is published, Postgres rejects UPDATE and DELETE on ` +
        `it. Run: ${refused.remedy}`,
    ]
  }
  const outside = (custom ?? []).filter((column) => !isInIdentity(table, column))
  if (outside.length > 0) {
    return [
      `PG_REPLICA_IDENTITY: message.key.columns makes ${outside.join(', ')} part of the key of ${name}, but the replica ` +
        'identity does not include it: deletions carry a substitute for it, and changing it leaves the old key behind. ' +
        `Run: ALTER TABLE ${sql} REPLICA IDENTITY FULL;`,
    ]
  }
  if (custom === null && table.keyColumns.length === 0) {
    return [
      `PG_KEYLESS: ${name} has no primary key: its records have no key, so sinks cannot identify its rows. ` +
        `Run: ALTER TABLE ${sql} ADD PRIMARY KEY (…); or set message.key.columns.`,
    ]
  }
  if (table.identity === 'i' && !table.keyColumns.every((column) => table.identityColumns.includes(column))) {
    return [
      `PG_REPLICA_IDENTITY: the replica identity index of ${name} does not include its key (${table.keyColumns.join(', ')}): ` +
        `deletions carry substitutes instead of the key. Run: ALTER TABLE ${sql} REPLICA IDENTITY DEFAULT;`,
    ]
  }
  return []
}
