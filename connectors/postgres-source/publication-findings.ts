import type { Finding } from './finding.ts'
import { alterStatement, createStatement, isFilteredAsWanted, type Publication } from './publication.ts'
import type { ServerFacts } from './server-facts.ts'
import type { PgSession } from './session.ts'
import type { SourceSettings } from './settings.ts'
import type { CatalogTable } from './table-catalog.ts'
import { fullName, quoteIdentifier, quoteTable, type TableName } from './table-filter.ts'

/** Tables that the filters name, and those of them that are captured. */
export interface FoundTables {
  readonly matching: readonly TableName[]
  readonly tables: readonly CatalogTable[]
}

/** Whether the publication is there and sends what is captured, or can be made to by this user. */
export async function publicationFindings(
  session: PgSession,
  server: ServerFacts,
  publication: Publication | null,
  found: FoundTables,
  settings: SourceSettings,
): Promise<Finding[]> {
  if (settings.publicationMode === 'filtered') {
    return await filteredFindings(session, server, publication, found.tables, settings)
  }
  return publication === null
    ? missingFindings(server, found.matching, settings)
    : contentFindings(publication, found.matching, settings)
}

function finding(message: string, code = 'PG_PUBLICATION'): Finding[] {
  return [{ code, key: 'publication.name', message }]
}

function missingFindings(server: ServerFacts, matching: readonly TableName[], settings: SourceSettings): Finding[] {
  const statement = createStatement(settings, matching)
  if (settings.publicationMode === 'disabled') {
    return finding(
      `publication "${settings.publication}" does not exist and publication.autocreate.mode is disabled. Run: ${statement};`,
    )
  }
  if (server.superuser) return []
  if (settings.publicationMode === 'all_tables') {
    return finding(
      `only a superuser can make a publication for all tables. Run as one: ${statement}; or set ` +
        'publication.autocreate.mode to filtered.',
      'PG_PRIVILEGE',
    )
  }
  return server.may_create ? [] : finding(mayNotCreate(server, statement, settings), 'PG_PRIVILEGE')
}

function mayNotCreate(server: ServerFacts, statement: string, settings: SourceSettings): string {
  return (
    `user "${server.user}" may not make publications. Run: ${grantCreate(server, settings)} or, as the owner of the ` +
    `tables: ${statement};`
  )
}

function grantCreate(server: ServerFacts, settings: SourceSettings): string {
  return `GRANT CREATE ON DATABASE ${quoteIdentifier(settings.connection.database)} TO ${quoteIdentifier(server.user)};`
}

/** What it takes to make the publication, or to make it fit. Postgres lets only owners put tables into publications. */
async function filteredFindings(
  session: PgSession,
  server: ServerFacts,
  publication: Publication | null,
  tables: readonly CatalogTable[],
  settings: SourceSettings,
): Promise<Finding[]> {
  if (publication?.allTables === true) {
    return finding(
      `publication "${publication.name}" is for all tables, but publication.autocreate.mode is filtered. ` +
        `Set publication.autocreate.mode to all_tables, name another publication, or run: DROP PUBLICATION ${quoteIdentifier(publication.name)};`,
    )
  }
  if (server.superuser || tables.length === 0) return []
  if (publication !== null && (await isFilteredAsWanted(session, publication, tables))) return []
  const foreign = await session.query<TableName>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = any($1::oid[]) and not pg_has_role(c.relowner, 'USAGE') order by 1, 2`,
    [tables.map((table) => table.oid)],
  )
  const ownsPublication = publication === null || (await isOwner(session, publication))
  const mayCreate = publication !== null || server.may_create
  const statement =
    publication === null ? createStatement(settings, tables) : alterStatement(publication, 'SET', tables)
  if (foreign.length === 0 && ownsPublication) {
    return mayCreate ? [] : finding(mayNotCreate(server, statement, settings), 'PG_PRIVILEGE')
  }
  const role = quoteIdentifier(server.user)
  const changes = [
    ...(mayCreate ? [] : [grantCreate(server, settings)]),
    ...(ownsPublication ? [] : [`ALTER PUBLICATION ${quoteIdentifier(publication.name)} OWNER TO ${role};`]),
    ...foreign.map((table) => `ALTER TABLE ${quoteTable(table)} OWNER TO ${role};`),
  ]
  const owned = [...(ownsPublication ? [] : [`publication "${publication.name}"`]), ...foreign.map(fullName)]
  return finding(
    `user "${server.user}" does not own ${owned.join(', ')}, and only an owner puts tables into a publication. As a ` +
      `superuser, or as who owns them, run: ${statement}; and set publication.autocreate.mode to disabled. Or run: ${changes.join(' ')}`,
    'PG_PRIVILEGE',
  )
}

async function isOwner(session: PgSession, publication: Publication): Promise<boolean> {
  const rows = await session.query(
    `select 1 as one from pg_publication where pubname = $1 and pg_has_role(pubowner, 'USAGE')`,
    [publication.name],
  )
  return rows.length > 0
}

function contentFindings(
  publication: Publication,
  matching: readonly TableName[],
  settings: SourceSettings,
): Finding[] {
  if (publication.allTables || !settings.filter.isNarrow) return []
  const published = new Set(publication.tables.map(fullName))
  const left = matching.filter((table) => !published.has(fullName(table)))
  // A partitioned table and its partitions are published one for the other.
  if (left.length === 0 || left.length < matching.length) return []
  return finding(
    `publication "${publication.name}" holds none of the captured tables. Run: ${alterStatement(publication, 'ADD', left)};`,
  )
}
