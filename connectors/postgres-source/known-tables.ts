import { createHash } from 'node:crypto'
import type { RawConfig, SourceOffset, SourcePartition } from 'penstock/api'
import type { PublicationPlan } from './publication-plan.ts'
import type { PgSession } from './session.ts'
import type { CatalogTable } from './table-catalog.ts'
import { fullName, quoteTable } from './table-filter.ts'

/** Where the list of known tables is stored, beside the offset that Debezium knows. */
export function tablesPartition(prefix: string): SourcePartition {
  return { server: prefix, penstock: 'tables' }
}

export function isTablesPartition(partition: SourcePartition): boolean {
  return partition['penstock'] === 'tables'
}

/** What {@link KnownTables} needs of the task. */
export interface KnownTablesParts {
  readonly load: () => Promise<SourceOffset | null>
  readonly save: (offset: SourceOffset) => void
  readonly show: (message: string | null) => void
  /** Of the options that choose tables. */
  readonly filters: string
}

const listOptions = ['schema.include.list', 'schema.exclude.list', 'table.include.list', 'table.exclude.list']

/** Says whether two configs choose tables alike. */
export function filterText(raw: RawConfig): string {
  const text = listOptions.map((key) => raw[key] ?? '').join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/**
 * The tables whose rows were read, or all of whose rows the stream has sent, by identifier. A table that joins the
 * capture of a connector later has rows that were never captured: a condition names it until everything is read again.
 */
export class KnownTables {
  readonly #parts: KnownTablesParts

  constructor(parts: KnownTablesParts) {
    this.#parts = parts
  }

  /** All captured tables were read. */
  onRead(tables: readonly CatalogTable[]): void {
    this.#save(tables)
    this.#parts.show(null)
  }

  /** Compares what is captured with what was known, for a stream that continues without reading tables. */
  async compare(
    sql: PgSession,
    tables: readonly CatalogTable[],
    plan: PublicationPlan,
    forAll: boolean,
  ): Promise<void> {
    const stored = await this.#parts.load()
    // Of an older version, or of Debezium: what it captured counts as read.
    if (stored === null) {
      this.#save(tables)
      return
    }
    const known = oids(stored['tables'])
    const missed = oids(stored['unread'])
    // A publication for all tables holds a table from its first row on.
    const sinceBirth = forAll && stored['filters'] === this.#parts.filters && plan.added.length === 0
    const unread: CatalogTable[] = []
    for (const table of tables) {
      const joined = missed.has(table.oid) || !(known.has(table.oid) || sinceBirth)
      if (joined && (await hasRows(sql, table))) unread.push(table)
    }
    this.#save(
      tables.filter((table) => !unread.includes(table)),
      unread,
    )
    if (unread.length > 0) this.#parts.show(unreadText(unread))
  }

  #save(tables: readonly CatalogTable[], unread: readonly CatalogTable[] = []): void {
    const list = (of: readonly CatalogTable[]): string => of.map((table) => table.oid).join(',')
    this.#parts.save({ tables: list(tables), unread: list(unread), filters: this.#parts.filters })
  }
}

function oids(list: SourceOffset[string] | undefined): ReadonlySet<number> {
  return new Set(
    String(list ?? '')
      .split(',')
      .map(Number),
  )
}

async function hasRows(sql: PgSession, table: CatalogTable): Promise<boolean> {
  const only = table.kind === 'p' ? '' : 'ONLY '
  try {
    return (await sql.query(`SELECT FROM ${only}${quoteTable(table)} LIMIT 1`)).length > 0
  } catch {
    // What may not be looked at may hold rows.
    return true
  }
}

function unreadText(tables: readonly CatalogTable[]): string {
  const names = tables.slice(0, 20).map(fullName).join(', ')
  return (
    `${names}${tables.length > 20 ? `, and ${tables.length - 20} more,` : ''} joined the captured tables after the snapshot: ` +
    'rows written before are not captured. To read them, set snapshot.mode to always, which reads all tables again, and ' +
    'back once GET /connectors/<name>/offsets shows another offset.'
  )
}
