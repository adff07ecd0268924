import { isInIdentity, type CatalogTable } from '../schema/table-catalog.ts'
import { fullName, quoteIdentifier, quoteTable } from '../schema/table-filter.ts'

/** Postgres refuses writes of what a publication with these properties holds. */
export interface PublishingRules {
  /** insert, update, delete, truncate: what it sends. */
  readonly operations: ReadonlySet<string>
  readonly generatedColumns: boolean
  readonly publication: string
  readonly serverVersion: number
}

/** A published table whose UPDATE and DELETE, and INSERT … ON CONFLICT DO UPDATE, Postgres refuses. */
export interface RefusedWrites {
  readonly table: CatalogTable
  readonly reason: string
  /** The statement after which it does not; null when only leaving the table out helps. */
  readonly remedy: string
}

/** The release that looks for generated columns in the replica identity. */
const generatedIdentityVersion = 180_000

/** Whether writes of the table's users fail once a publication holds it. */
export function refusedWrites(table: CatalogTable, rules: PublishingRules): RefusedWrites | null {
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

/** Whether the table can be published without harm only together with its stored generated columns. */
export function needsGeneratedColumns(table: CatalogTable, serverVersion: number): boolean {
  if (serverVersion < generatedIdentityVersion || table.kind !== 'r') return false
  return generatedIn(table, table.oldColumns ?? []).some((column) => column.generated === 's')
}

function generatedIn(table: CatalogTable, names: readonly string[]): CatalogTable['columns'] {
  return table.columns.filter((column) => column.generated !== null && names.includes(column.name))
}

/** What a published table's replica identity and key make of its changes. */
export function identityWarnings(
  table: CatalogTable,
  rules: PublishingRules,
  custom: readonly string[] | null,
): string[] {
  const name = fullName(table)
  const sql = quoteTable(table)
  if (table.kind !== 'r') return []
  const refused = refusedWrites(table, rules)
  if (refused !== null) {
    return [
      `PG_REPLICA_IDENTITY: ${name} ${refused.reason}: while it is published, Postgres refuses UPDATE and DELETE on ` +
        `it. Run: ${refused.remedy}`,
    ]
  }
  const outside = (custom ?? []).filter((column) => !isInIdentity(table, column))
  if (outside.length > 0) {
    return [
      `PG_REPLICA_IDENTITY: message.key.columns makes ${outside.join(', ')} part of the key of ${name}, and the replica ` +
        'identity does not hold it: deletions carry stand-ins for it, and its own changes leave the old key behind. ' +
        `Run: ALTER TABLE ${sql} REPLICA IDENTITY FULL;`,
    ]
  }
  if (custom === null && table.keyColumns.length === 0) {
    return [
      `PG_KEYLESS: ${name} has no primary key: its records have no key, so sinks cannot tell its rows apart. ` +
        `Run: ALTER TABLE ${sql} ADD PRIMARY KEY (…); or set message.key.columns.`,
    ]
  }
  if (table.identity === 'i' && !table.keyColumns.every((column) => table.identityColumns.includes(column))) {
    return [
      `PG_REPLICA_IDENTITY: the replica identity index of ${name} does not hold its key (${table.keyColumns.join(', ')}): ` +
        `deletions carry stand-ins instead of the key. Run: ALTER TABLE ${sql} REPLICA IDENTITY DEFAULT;`,
    ]
  }
  return []
}
