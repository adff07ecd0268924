import { ConnectError, RetriableError } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import { codeOf } from '../connection/pg-error.ts'
import { quoteIdentifier, quoteTable, type TableName } from '../schema/sql-text.ts'

/** duplicate_object, and unique_violation when the other transaction was open when the statement started. */
const overtaken = new Set(['42710', '23505'])

/** A publication as the catalog describes it. */
export interface Publication {
  readonly oid: number
  readonly name: string
  /** `xmin` of its row: `ALTER PUBLICATION … SET (…)`, a new owner or a new name change it; `SET TABLE` changes entries. */
  readonly options: string
  readonly owner: string
  readonly allTables: boolean
  /** The published operations: insert, update, delete, truncate. */
  readonly operations: ReadonlySet<string>
  /** Whether changes of partitions are sent under the name of the published table above them. */
  readonly viaRoot: boolean
  /** Whether it sends stored generated columns of tables without a column list. */
  readonly generatedColumns: boolean
  /** Tables that it names, with the oids of their entries. A new row filter or column list creates a new entry. */
  readonly named: ReadonlyMap<number, number>
  /** Schemas that it covers (FOR TABLES IN SCHEMA, Postgres 15), with the oids of their entries. */
  readonly schemas: ReadonlyMap<string, number>
  /** Tables whose changes it sends, by the names under which they are sent. */
  readonly tables: readonly PublishedTable[]
}

export interface PublishedTable extends TableName {
  readonly oid: number
  /** The published columns; null for all that are not generated (always before Postgres 15). */
  readonly columns: readonly string[] | null
  /** The row filter as an SQL condition; null for none. */
  readonly rowFilter: string | null
}

interface PublicationRow {
  oid: number
  name: string
  options: string
  owner: string
  all_tables: boolean
  operations: string[]
  via_root: boolean
  generated: boolean
  named: number[]
  entries: number[]
}

// Catalog columns of later versions are looked up in the JSON form of the row.
const publicationSql = `
select p.oid::int8::float8 as oid, pubname as name, p.xmin::text as options, pubowner::text as owner, puballtables as all_tables,
  array_remove(array[case when pubinsert then 'insert' end, case when pubupdate then 'update' end,
    case when pubdelete then 'delete' end, case when pubtruncate then 'truncate' end], null) as operations,
  coalesce((to_jsonb(p) ->> 'pubviaroot')::boolean, false) as via_root,
  coalesce(to_jsonb(p) ->> 'pubgencols', 'n') = 's' as generated,
  array(select prrelid::int8::float8 from pg_publication_rel where prpubid = p.oid order by oid) as named,
  array(select oid::int8::float8 from pg_publication_rel where prpubid = p.oid order by oid) as entries
from pg_publication p where pubname::text in ($1, lower($1)) order by pubname::text = $1 desc`

const schemasSql = `
select n.nspname as schema, e.oid::int8::float8 as entry
from pg_publication_namespace e join pg_namespace n on n.oid = e.pnnspid where e.pnpubid = $1`
const schemasSince = 150_000

// Before Postgres 18 generated columns are never sent, although some versions list them.
const publishedSql = `
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, to_jsonb(t) ->> 'rowfilter' as rowfilter,
  case when to_jsonb(t) -> 'attnames' is not null then
    array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and to_jsonb(t) -> 'attnames' ? a.attname::text
      and (coalesce(to_jsonb(a) ->> 'attgenerated', '') = '' or $2::int >= 180000)) end as columns
from pg_publication_tables t join pg_namespace n on n.nspname = t.schemaname
  join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
where t.pubname = $1`

/** The table as the publication sends it; null when it does not, and when there is no publication. */
export function publishedAs(publication: Publication | null, table: TableName): PublishedTable | null {
  return publication?.tables.find((other) => other.schema === table.schema && other.name === table.name) ?? null
}

/** Reads the publication with exactly this name, or with the name in lower case as Postgres folds an unquoted name. */
export async function readPublication(
  connection: PgConnection,
  name: string,
  serverVersion: number,
): Promise<Publication | null> {
  const [found] = await connection.query<PublicationRow>(publicationSql, [name])
  if (found === undefined) return null
  const tables = await connection.query<{
    oid: number
    schema: string
    name: string
    columns: string[] | null
    rowfilter: string | null
  }>(publishedSql, [found.name, serverVersion])
  const schemas =
    serverVersion < schemasSince
      ? []
      : await connection.query<{ schema: string; entry: number }>(schemasSql, [found.oid])
  return {
    oid: found.oid,
    name: found.name,
    options: found.options,
    owner: found.owner,
    allTables: found.all_tables,
    operations: new Set(found.operations),
    viaRoot: found.via_root,
    generatedColumns: found.generated,
    named: new Map(found.named.map((oid, i) => [oid, found.entries[i] ?? 0])),
    schemas: new Map(schemas.map(({ schema, entry }) => [schema, entry])),
    tables: tables.map(({ oid, schema, name: table, columns, rowfilter }) => {
      return { oid, schema, name: table, columns, rowFilter: rowfilter }
    }),
  }
}

/** Returns the statement that creates the publication. @param tables the tables to capture */
export function createStatement(
  settings: SourceSettings,
  tables: readonly TableName[],
  generatedColumns: boolean,
): string {
  const options = [
    ...(settings.viaPartitionRoot ? ['publish_via_partition_root = true'] : []),
    ...(settings.skippedExplicitly ? [`publish = '${publishedOperations(settings).join(',')}'`] : []),
    ...(generatedColumns ? ['publish_generated_columns = stored'] : []),
  ]
  const list = tables.length === 0 ? '' : ` FOR TABLE ${tables.map(quoteTable).join(', ')}`
  const scope = { all_tables: ' FOR ALL TABLES', filtered: list, no_tables: '', disabled: list }
  const withClause = options.length === 0 ? '' : ` WITH (${options.join(', ')})`
  return `CREATE PUBLICATION ${quoteIdentifier(settings.publication)}${scope[settings.publicationMode]}${withClause}`
}

const operationNames = { c: 'insert', u: 'update', d: 'delete', t: 'truncate' }

/** The captured operations, as a publication names them. */
export function wantedOperations({ skippedOperations: skipped }: SourceSettings): string[] {
  return Object.entries(operationNames)
    .filter(([operation]) => !skipped.has(operation))
    .map(([, name]) => name)
}

/**
 * The operations of a publication that the connector creates: all of them, unless the user set `skipped.operations`. An
 * update of the key is a deletion and a creation, so updates are published even when they are skipped.
 */
export function publishedOperations({ skippedOperations: skipped, skippedExplicitly }: SourceSettings): string[] {
  if (!skippedExplicitly) return Object.values(operationNames)
  const changesKeys = !skipped.has('c') || !skipped.has('d')
  return Object.entries(operationNames)
    .filter(([operation]) => !skipped.has(operation) || (operation === 'u' && changesKeys))
    .map(([, name]) => name)
}

/** Never SET: tables, row filters and column lists that others added stay in the publication. */
export function alterStatement(publication: Publication, tables: readonly TableName[]): string {
  return `ALTER PUBLICATION ${quoteIdentifier(publication.name)} ADD TABLE ${tables.map(quoteTable).join(', ')}`
}

/**
 * Creates the publication, or adds tables to it.
 * @throws RetriableError PG_PUBLICATION_CHANGED when another session did so after it was read: connectors that start
 *   together on one database share the default `publication.name`
 */
export async function publish(connection: Pick<PgConnection, 'query'>, statement: string, name: string): Promise<void> {
  try {
    await connection.query(statement)
  } catch (error) {
    if (!(error instanceof ConnectError) || !overtaken.has(codeOf(error.cause) ?? '')) throw error
    throw new RetriableError(
      `publication "${name}" was created or altered by another connection at the same time: the task reads it again. ${error.message}`,
      { code: 'PG_PUBLICATION_CHANGED', cause: error },
    )
  }
}
