import { ConnectError } from 'penstock/api'
import type { PgSession } from './session.ts'
import type { SourceSettings } from './settings.ts'
import { fullName, quoteIdentifier, quoteTable, type TableName } from './table-filter.ts'

/** A publication as the catalog describes it. */
export interface Publication {
  readonly name: string
  readonly allTables: boolean
  /** Tables, or parts of them, that it sends changes of. */
  readonly tables: readonly PublishedTable[]
}

export interface PublishedTable extends TableName {
  /** Columns that are sent; null for all (always before Postgres 15). */
  readonly columns: readonly string[] | null
  /** The filter's SQL condition; null for none. */
  readonly rowFilter: string | null
}

/** The publication of that exact name, or of the name in lower case, as an unquoted name would mean. */
export async function readPublication(
  session: PgSession,
  name: string,
  serverVersion: number,
): Promise<Publication | null> {
  const found = await session.query<{ name: string; all_tables: boolean }>(
    `select pubname as name, puballtables as all_tables from pg_publication where pubname::text in ($1, lower($1))
     order by pubname::text = $1 desc`,
    [name],
  )
  const first = found[0]
  if (first === undefined) return null
  const details =
    serverVersion >= 150_000 ? 'attnames::text[] as columns, rowfilter' : 'null as columns, null as rowfilter'
  const tables = await session.query<{
    schema: string
    name: string
    columns: string[] | null
    rowfilter: string | null
  }>(`select schemaname as schema, tablename as name, ${details} from pg_publication_tables where pubname = $1`, [
    first.name,
  ])
  return {
    name: first.name,
    allTables: first.all_tables,
    tables: tables.map((table) => ({
      schema: table.schema,
      name: table.name,
      columns: table.columns,
      rowFilter: table.rowfilter,
    })),
  }
}

/** The statement that makes the publication; `tables` are those to capture. */
export function createStatement(settings: SourceSettings, tables: readonly TableName[]): string {
  const options = [
    ...(settings.viaPartitionRoot ? ['publish_via_partition_root = true'] : []),
    ...(settings.skippedExplicitly ? [`publish = '${publishedOperations(settings)}'`] : []),
  ]
  const scope = {
    all_tables: ' FOR ALL TABLES',
    filtered: ` FOR TABLE ${tables.map(quoteTable).join(', ')}`,
    no_tables: '',
    disabled: ` FOR TABLE ${tables.map(quoteTable).join(', ')}`,
  }[settings.publicationMode]
  const withClause = options.length === 0 ? '' : ` WITH (${options.join(', ')})`
  return `CREATE PUBLICATION ${quoteIdentifier(settings.publication)}${scope}${withClause}`
}

function publishedOperations(settings: SourceSettings): string {
  const names = { c: 'insert', u: 'update', d: 'delete', t: 'truncate' }
  return Object.entries(names)
    .filter(([operation]) => !settings.skippedOperations.has(operation))
    .map(([, name]) => name)
    .join(',')
}

/**
 * Makes or widens the publication as `publication.autocreate.mode` allows. Comes before the slot is made: a slot that is
 * older than its publication cannot see it.
 */
export async function ensurePublication(
  session: PgSession,
  settings: SourceSettings,
  found: Publication | null,
  tables: readonly TableName[],
): Promise<void> {
  if (found === null) {
    if (settings.publicationMode === 'disabled') {
      throw new ConnectError(
        `publication "${settings.publication}" does not exist and publication.autocreate.mode is disabled. ` +
          `Run: ${createStatement(settings, tables)};`,
        { code: 'PG_PUBLICATION' },
      )
    }
    await session.query(createStatement(settings, tables))
    return
  }
  if (settings.publicationMode !== 'filtered') return
  if (found.allTables) {
    throw new ConnectError(
      `publication "${found.name}" is for all tables, but publication.autocreate.mode is filtered. ` +
        `Set publication.autocreate.mode to all_tables, name another publication, or run: DROP PUBLICATION ${quoteIdentifier(found.name)};`,
      { code: 'PG_PUBLICATION' },
    )
  }
  const wanted = new Set(tables.map(fullName))
  const rows = await session.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
     join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace where p.pubname = $1`,
    [found.name],
  )
  if (rows.length === wanted.size && rows.every((row) => wanted.has(row.name))) return
  await session.query(`ALTER PUBLICATION ${quoteIdentifier(found.name)} SET TABLE ${tables.map(quoteTable).join(', ')}`)
}
