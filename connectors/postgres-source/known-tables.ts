import { createHash } from 'node:crypto'
import type { RawConfig, SourceOffset, SourcePartition } from 'penstock/api'
import type { CapturedTable, CaptureView } from './capture-view.ts'
import { emptyState, parseState, stateText, type KnownState, type Missed } from './known-state.ts'
import type { PgSession } from './session.ts'
import { fullName, quoteTable, type TableName } from './table-filter.ts'

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
 * capture of a connector later has rows that were never captured, and one that was left out for a time has changes: a
 * condition names them until everything is read again. Lives as long as the task.
 */
export class KnownTables {
  readonly #parts: KnownTablesParts
  readonly #names = new Map<number, string>()
  /** Tables of which the stream has sent rows under a name that the filters leave out. */
  readonly #passed = new Set<number>()
  /** Null until tables were read, or compared at the start of the stream. */
  #state: KnownState | null = null
  #saved = ''

  constructor(parts: KnownTablesParts) {
    this.#parts = parts
  }

  /** All captured tables were read. */
  onRead(view: CaptureView): void {
    this.#state = emptyState()
    this.#passed.clear()
    this.#take(this.#state, view)
    this.#tell(this.#state, view)
  }

  /** Compares what is captured with what was known, for a stream that continues without reading tables. */
  async compare(sql: PgSession, view: CaptureView): Promise<void> {
    if (this.#state === null) {
      const stored = await this.#parts.load()
      // Of an older version, or of Debezium: what it captured counts as read.
      if (stored === null) {
        this.onRead(view)
        return
      }
      this.#state = parseState(stored)
    }
    await this.follow(sql, view)
  }

  /** The same while the stream runs. Before tables were read there is nothing to compare. */
  async follow(sql: PgSession, view: CaptureView): Promise<void> {
    const state = this.#state
    if (state === null) return
    const attached = await this.#attached(sql, state, view)
    for (const table of view.tables) {
      const missed = attached.has(table.oid) ? 'joined' : this.#missed(state, view, table)
      if (missed === 'gap' || (missed === 'joined' && (await hasRows(sql, table)))) {
        state.missed.set(table.oid, missed)
      }
    }
    this.#take(state, view)
    this.#tell(state, view)
  }

  /** The stream announces rows of a table under this name. */
  onRelation(table: TableName & { readonly oid: number }, isCaptured: boolean): void {
    if (!isCaptured) {
      this.#passed.add(table.oid)
      return
    }
    if (this.#state === null || !this.#passed.delete(table.oid)) return
    if (!this.#state.missed.has(table.oid)) this.#state.missed.set(table.oid, 'joined')
    this.#names.set(table.oid, fullName(table))
    this.#tell(this.#state, null)
  }

  /** How changes of the table were missed since the state was taken; null where none were. */
  #missed(state: KnownState, view: CaptureView, table: CapturedTable): Missed | null {
    const { publication } = view
    const isSamePublication = state.publication === null || state.publication === publication.oid
    const entry = state.tables.get(table.oid)
    if (state.missed.has(table.oid)) return state.missed.get(table.oid) ?? null
    if (state.left.has(table.oid)) return 'gap'
    if (entry !== undefined) {
      // A slot that decodes rows without a publication fails: one that was created again left nothing out.
      const isAltered = state.options !== null && state.options !== publication.options
      const isReplaced = entry !== null && entry !== (publication.named.get(table.oid) ?? 0)
      return isSamePublication && table.root === null && (isAltered || isReplaced) ? 'gap' : null
    }
    // The rows of a partition come under the name of its root, which tells of them.
    if (table.root !== null) return null
    // A publication for all tables or those of a schema holds a table from its first row on; that of a root its partitions.
    const isNamed = !publication.allTables && publication.named.has(table.oid)
    const sinceBirth = !isNamed && isSamePublication && state.filters === this.#parts.filters
    return sinceBirth && !state.others.has(table.oid) && !this.#passed.has(table.oid) ? null : 'joined'
  }

  /** New partitions that the publication holds by their roots, and that were tables of their own before: it held no row of theirs. */
  async #attached(sql: PgSession, state: KnownState, view: CaptureView): Promise<ReadonlySet<number>> {
    if (!state.knowsPartitions) return new Set()
    const { allTables, named } = view.publication
    const isHeldByRoot = ({ oid, parent, root }: CapturedTable): boolean =>
      root === null ? parent !== null && !allTables && !named.has(oid) : state.tables.has(root)
    const added = view.tables.filter(
      (table) => isHeldByRoot(table) && !state.tables.has(table.oid) && !state.left.has(table.oid),
    )
    if (added.length === 0) return new Set()
    const rows = await sql.query<{ oid: number }>(attachedSql, [added.map((table) => table.oid)])
    return new Set(rows.map((row) => row.oid))
  }

  #take(state: KnownState, view: CaptureView): void {
    const captured = new Set(view.tables.map((table) => table.oid))
    for (const oid of state.tables.keys()) if (!captured.has(oid)) state.left.add(oid)
    state.tables.clear()
    state.others.clear()
    for (const { oid, root } of view.tables) {
      state.left.delete(oid)
      state.tables.set(oid, root === null ? (view.publication.named.get(oid) ?? 0) : 0)
    }
    for (const oid of view.existing) if (!captured.has(oid) && !state.left.has(oid)) state.others.add(oid)
    const isThere = (oid: number): boolean => view.existing.has(oid)
    for (const oid of state.left) if (!isThere(oid)) state.left.delete(oid)
    for (const oid of state.missed.keys()) if (!isThere(oid)) state.missed.delete(oid)
    state.publication = view.publication.oid
    state.options = view.publication.options
    state.filters = this.#parts.filters
    state.knowsPartitions = true
  }

  #tell(state: KnownState, view: CaptureView | null): void {
    if (view !== null) {
      this.#names.clear()
      for (const table of view.tables) this.#names.set(table.oid, fullName(table))
    }
    const offset = stateText(state)
    const text = JSON.stringify(offset)
    if (text !== this.#saved) this.#parts.save(offset)
    this.#saved = text
    this.#parts.show(unreadText(state.missed, this.#names))
  }
}

/** A row of pg_attribute for a system column is as old as the table. */
const attachedSql = `
select i.inhrelid::int8::float8 as oid from pg_inherits i
  join pg_attribute a on a.attrelid = i.inhrelid and a.attnum = -1
where i.inhrelid = any($1::oid[]) and a.xmin::text <> i.xmin::text`

async function hasRows(sql: PgSession, table: CapturedTable): Promise<boolean> {
  const only = table.kind === 'p' ? '' : 'ONLY '
  try {
    return (await sql.query(`SELECT FROM ${only}${quoteTable(table)} LIMIT 1`)).length > 0
  } catch {
    // What may not be looked at may hold rows.
    return true
  }
}

const shownTables = 20

function unreadText(missed: ReadonlyMap<number, Missed>, names: ReadonlyMap<number, string>): string | null {
  const of = (kind: Missed): string[] =>
    [...missed].flatMap(([oid, other]) => (other === kind ? (names.get(oid) ?? []) : []))
  const list = (tables: readonly string[]): string => {
    const more = tables.length > shownTables ? `, and ${tables.length - shownTables} more,` : ''
    return `${tables.slice(0, shownTables).join(', ')}${more}`
  }
  const [joined, gaps] = [of('joined'), of('gap')]
  const lines = [
    ...(joined.length === 0
      ? []
      : [`${list(joined)} joined the captured tables after the snapshot: rows written before are not captured.`]),
    ...(gaps.length === 0
      ? []
      : [
          `${list(gaps)} left the captured tables or the publication, or were published with another row filter, column ` +
            'list or options, for a time: changes of that time may not be captured, deletions included.',
        ]),
  ]
  if (lines.length === 0) return null
  return (
    `${lines.join(' ')} To read all tables again, set snapshot.mode to always, and back once ` +
    'GET /connectors/<name>/offsets shows another offset.'
  )
}
