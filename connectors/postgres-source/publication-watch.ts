import type { Logger } from 'penstock/api'
import { alterStatement, createStatement, readPublication, type Publication } from './publication.ts'
import type { PgSession } from './session.ts'
import type { SourceSettings } from './settings.ts'
import { listTables, type CatalogTable } from './table-catalog.ts'
import { fullName, isLiteral, type TableName } from './table-filter.ts'

/** How often the publication is looked at. */
export const watchIntervalMs = 30_000

/**
 * Tells of what the stream is silent about: a table that was dropped and made again is in no publication, and a
 * publication that is gone ends the stream at the next row. Nothing is mended here: rows may be lost already, and
 * somebody has to know. Each thing is told once until it is mended; lives as long as the task.
 */
export class PublicationWatch {
  readonly #settings: SourceSettings
  readonly #logger: Logger
  /** Names by identifier. */
  readonly #captured = new Map<number, string>()
  readonly #renamed = new Set<number>()
  /** By identifier: a table that is made anew once more is told of once more. */
  #unsent = new Set<number>()
  #gone = false

  constructor(settings: SourceSettings, logger: Logger) {
    this.#settings = settings
    this.#logger = logger
  }

  /** Tables that are captured, and so are missed when the publication does not hold them any more. */
  add(tables: readonly CatalogTable[]): void {
    for (const table of tables) this.#captured.set(table.oid, fullName(table))
  }

  async look(sql: PgSession, name: string, serverVersion: number): Promise<void> {
    const publication = await readPublication(sql, name, serverVersion)
    const listed = await listTables(sql)
    this.#tellRenamed(listed)
    const captured = new Set(this.#captured.values())
    const expected = listed.filter((table) => this.#isExpected(table, captured))
    if (publication === null) {
      if (!this.#gone) this.#logger.warn(goneText(this.#settings, expected))
      this.#gone = true
      return
    }
    this.#gone = false
    const unsent = publication.allTables ? [] : await unsentTables(sql, publication, expected)
    const told = this.#unsent
    this.#unsent = new Set(unsent.map((table) => table.oid))
    for (const table of unsent) if (!told.has(table.oid)) this.#logger.warn(unsentText(publication, table))
  }

  /** A table that took the name in the meantime is another matter: it is looked for in the publication. */
  #tellRenamed(listed: readonly ListedTable[]): void {
    const names = new Set(listed.map(fullName))
    for (const table of listed) {
      const before = this.#captured.get(table.oid)
      if (before === undefined || names.has(before) || this.#renamed.has(table.oid)) continue
      if (this.#settings.filter.includesTable(table)) continue
      this.#renamed.add(table.oid)
      this.#logger.warn(
        `PG_TABLE: ${before} was renamed to ${fullName(table)}, which the filters leave out: its changes are not captured. ` +
          'Name it in table.include.list, or rename it back.',
      )
    }
  }

  /** Who makes the publication himself may leave tables out of it that the filters match. */
  #isExpected(table: TableName, captured: ReadonlySet<string>): boolean {
    const { filter, publicationMode } = this.#settings
    if (!filter.includesTable(table)) return false
    const name = fullName(table)
    if (publicationMode === 'filtered' || captured.has(name)) return true
    return filter.tableInclude.some((pattern) => isLiteral(pattern) && pattern.regex.test(name))
  }
}

type ListedTable = TableName & { readonly oid: number }

function goneText(settings: SourceSettings, tables: readonly TableName[]): string {
  return (
    `PG_PUBLICATION: publication "${settings.publication}" was dropped. The next row that anybody writes to database ` +
    `${settings.connection.database} ends the stream for good, also when the publication is made again after it. Run at ` +
    `once: ${createStatement(settings, tables)};`
  )
}

function unsentText(publication: Publication, table: TableName): string {
  return (
    `PG_NOT_PUBLISHED: publication "${publication.name}" does not hold ${fullName(table)} (a table that is made anew has to ` +
    `be added again): its changes are not captured. Run: ${alterStatement(publication, 'ADD', [table])}; Rows written before ` +
    'that are not captured: write them again, or set snapshot.mode to always once.'
  )
}

/** Of tables with rows of their own, those that are sent neither by their own name nor by that of a table above them. */
async function unsentTables(
  sql: PgSession,
  publication: Publication,
  tables: readonly ListedTable[],
): Promise<ListedTable[]> {
  const rows = await sql.query<{ oid: number }>(
    `with recursive above (leaf, oid) as (
       select c.oid, c.oid from pg_class c where c.oid = any($2::oid[]) and c.relkind = 'r'
       union all
       select above.leaf, p.oid from above join pg_inherits i on i.inhrelid = above.oid
         join pg_class p on p.oid = i.inhparent and p.relkind = 'p'
     )
     select leaf::int8::float8 as oid from above
       join pg_class c on c.oid = above.oid join pg_namespace n on n.oid = c.relnamespace
       left join pg_publication_tables t on t.pubname = $1 and t.schemaname = n.nspname and t.tablename = c.relname
     group by leaf having count(t.tablename) = 0`,
    [publication.name, tables.map((table) => table.oid)],
  )
  const oids = new Set(rows.map((row) => row.oid))
  return tables.filter((table) => oids.has(table.oid))
}
