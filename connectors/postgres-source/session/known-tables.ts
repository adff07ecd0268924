import { createHash } from 'node:crypto'
import type { RawConfig, SourceOffset, SourcePartition } from 'penstock/api'
import type { CapturedTable, CaptureView } from '../preflight/capture-view.ts'
import { emptyState, maxDropped, parseState, stateText, type KnownState, type Missed } from './known-state.ts'
import type { Publication } from '../replication/publication.ts'
import type { PgSession } from '../connection/session.ts'
import { fullName, quoteTable, type TableName } from '../schema/table-filter.ts'

/** The source partition of the capture history, beside the offset that Debezium reads. */
export function tablesPartition(prefix: string): SourcePartition {
  return { server: prefix, penstock: 'tables' }
}

/** What {@link KnownTables} needs from the task. */
export interface KnownTablesParts {
  readonly load: () => Promise<SourceOffset | null>
  readonly save: (offset: SourceOffset) => void
  readonly show: (message: string | null) => void
  /** Hash of the options that select tables, see {@link filterText}. */
  readonly filters: string
}

const listOptions = ['schema.include.list', 'schema.exclude.list', 'table.include.list', 'table.exclude.list']

/** Hashes the options that select tables, to find out whether a config selects the same tables as the one before. */
export function filterText(raw: RawConfig): string {
  const text = listOptions.map((key) => raw[key] ?? '').join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/**
 * Finds captured tables that are incomplete in the topics. A table is complete when a snapshot read its rows, or the
 * stream has sent it since its first row. A table that joins later has rows that were never captured; a table that was
 * left out for some time has lost changes. The condition PG_UNREAD names these tables until a snapshot reads all tables
 * again (I7). Lives as long as the task.
 */
export class KnownTables {
  readonly #parts: KnownTablesParts
  readonly #names = new Map<number, string>()
  /** Tables that were captured from their first row on. */
  readonly #born = new Set<number>()
  /** Tables in `passed` that did not exist at the last check. */
  #absent: ReadonlySet<number> = new Set()
  /** Null until a snapshot has read the tables or {@link compare} has run. */
  #state: KnownState | null = null
  #saved = ''

  constructor(parts: KnownTablesParts) {
    this.#parts = parts
  }

  /** A snapshot has read all captured tables, with everything committed before `readTo`. */
  onRead(view: CaptureView, readTo: number): void {
    this.#state = { ...emptyState(), readTo }
    this.#born.clear()
    this.#take(this.#state, view)
    this.#tell(this.#state, view)
  }

  /** Compares the captured tables with the stored state, for a stream that continues without a snapshot. */
  async compare(sql: PgSession, view: CaptureView): Promise<void> {
    if (this.#state === null) {
      const stored = await this.#parts.load()
      // Debezium or an older version wrote the offset: its tables count as complete.
      if (stored === null) {
        this.onRead(view, 0)
        return
      }
      this.#state = parseState(stored)
    }
    await this.follow(sql, view)
  }

  /** Compares again while the stream runs. Does nothing before the first snapshot or {@link compare}. */
  async follow(sql: PgSession, view: CaptureView): Promise<void> {
    const state = this.#state
    if (state === null) return
    noteDropped(state, view)
    const attached = await this.#attached(sql, state, view)
    for (const table of view.tables) {
      const missed = attached.has(table.oid) ? 'joined' : this.#missed(state, view, table)
      if (missed === 'gap' || (missed === 'joined' && (await hasRows(sql, table)))) {
        state.missed.set(table.oid, missed)
      } else if (isRecreated(state, table)) {
        state.missed.set(table.oid, 'recreated')
      }
    }
    this.#take(state, view)
    this.#tell(state, view)
  }

  /**
   * The stream sends rows of a table under this name, committed at `committedAt`. Rows that arrive under a name that the
   * filters exclude, or that the table had only between two checks, are missing from the table's topic.
   */
  onRows(table: TableName & { readonly oid: number }, isCaptured: boolean, committedAt: number): void {
    const state = this.#state
    if (state === null || committedAt <= state.readTo) return
    const { oid } = table
    const name = fullName(table)
    const isElsewhere = !isCaptured || name !== (this.#names.get(oid) ?? name)
    if (isElsewhere === state.passed.has(oid)) return
    if (!isElsewhere) {
      state.passed.delete(oid)
      if (!isSettled(state, oid)) state.missed.set(oid, this.#kindOf(state, oid))
      this.#names.set(oid, name)
    } else if (state.left.has(oid) || state.others.has(oid)) {
      return
    } else {
      state.passed.add(oid)
    }
    this.#tell(state, null)
  }

  /** The reason for a table whose rows arrived under another name. */
  #kindOf(state: KnownState, oid: number): Missed {
    return state.tables.has(oid) && !this.#born.has(oid) ? 'gap' : 'joined'
  }

  /** Returns why the table is incomplete since the stored state; null when it is complete. */
  #missed(state: KnownState, view: CaptureView, table: CapturedTable): Missed | null {
    const { publication } = view
    const isSame = isUntouched(state, publication)
    const entry = state.tables.get(table.oid)
    if (isSettled(state, table.oid)) return state.missed.get(table.oid) ?? null
    if (state.left.has(table.oid)) return 'gap'
    if (entry !== undefined) {
      const moved = movedIn(state, view, table)
      if (moved !== null) return moved
      if (state.passed.has(table.oid)) return this.#kindOf(state, table.oid)
      const isHeld = isSame && (entry === null || entry.every((holder) => table.holders.includes(holder)))
      return isHeld || table.root !== null ? null : 'gap'
    }
    // Rows of a partition are sent under the name of its root, which is checked instead.
    if (table.root !== null) return null
    // A publication FOR ALL TABLES, or of a schema, covers a table from its first row; one of a root covers its partitions.
    const isNamed = !publication.allTables && publication.named.has(table.oid)
    const isHeld = publication.allTables || table.holders.some((holder) => state.holders?.has(holder) !== false)
    const sinceBirth = !isNamed && isHeld && isSame && state.filters === this.#parts.filters
    if (!sinceBirth || state.others.has(table.oid) || state.passed.has(table.oid)) return 'joined'
    this.#born.add(table.oid)
    return null
  }

  /** New partitions that the publication covers through their roots and that were standalone tables before: it covered none of their rows. */
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
    state.names.clear()
    state.places.clear()
    for (const table of view.tables) {
      const { oid, root, place } = table
      state.left.delete(oid)
      state.tables.set(oid, root === null ? table.holders : [])
      state.names.set(oid, nameHash(table))
      state.places.set(oid, place)
    }
    this.#forgetPassed(state, view)
    for (const oid of view.existing) if (!captured.has(oid) && !state.left.has(oid)) state.others.add(oid)
    const isThere = (oid: number): boolean => view.existing.has(oid)
    for (const oid of state.left) if (!isThere(oid)) state.left.delete(oid)
    for (const oid of state.missed.keys()) if (!isThere(oid)) state.missed.delete(oid)
    state.publication = view.publication.oid
    state.options = view.publication.options
    state.owner = view.publication.owner
    state.holders = view.holders
    state.filters = this.#parts.filters
    state.knowsPartitions = true
  }

  /** Forgets tables that this check has seen. A table that does not exist may be newer than the check, or dropped: the next check decides. */
  #forgetPassed(state: KnownState, view: CaptureView): void {
    for (const oid of state.passed) if (view.existing.has(oid) || this.#absent.has(oid)) state.passed.delete(oid)
    this.#absent = new Set(state.passed)
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

// The pg_attribute row of a system column is as old as the table.
const attachedSql = `
select i.inhrelid::int8::float8 as oid from pg_inherits i
  join pg_attribute a on a.attrelid = i.inhrelid and a.attnum = -1
where i.inhrelid = any($1::oid[]) and a.xmin::text <> i.xmin::text`

/**
 * Returns whether the publication is the same object with the same options since the stored state. What a re-created
 * publication sent in between is unknown; only rows written without any publication end the stream. `ALTER PUBLICATION
 * … OWNER TO` also changes `xmin`, so that other changes made together with it are not visible.
 */
function isUntouched({ publication: oid, options, owner }: KnownState, publication: Publication): boolean {
  if (oid !== null && oid !== publication.oid) return false
  return options === null || options === publication.options || (owner !== null && owner !== publication.owner)
}

/** Returns how a known table has left the place where its rows were captured; null when it has not. */
function movedIn(state: KnownState, { publication }: CaptureView, table: CapturedTable): Missed | null {
  const { oid, parent, root, place } = table
  const before = state.places.get(oid)
  if (root === null && (state.names.get(oid) ?? '') !== '' && state.names.get(oid) !== nameHash(table)) return 'joined'
  if (before === undefined || before === place) return null
  const isSentByPlace = root !== null || (parent !== null && !publication.allTables && !publication.named.has(oid))
  if (!isSentByPlace) return null
  return before === '' ? 'joined' : 'gap'
}

/** `DROP TABLE` sends no deletions: when another table takes the name, the old rows are still in the topic. */
function noteDropped(state: KnownState, view: CaptureView): void {
  for (const [oid, hash] of state.names) {
    if (hash !== '' && !view.existing.has(oid)) state.dropped.add(hash)
  }
  for (const hash of state.dropped) if (state.dropped.size > maxDropped) state.dropped.delete(hash)
}

/** Missing rows and changes take precedence over the missing deletions of a dropped table. */
function isSettled({ missed }: KnownState, oid: number): boolean {
  return missed.has(oid) && missed.get(oid) !== 'recreated'
}

/** Rows of a partition are sent under the name of its root. */
function isRecreated(state: KnownState, table: CapturedTable): boolean {
  return table.root === null && !state.tables.has(table.oid) && state.dropped.has(nameHash(table))
}

/** Names are only compared, so a short hash keeps the offset small. */
function nameHash(table: TableName): string {
  return createHash('sha256').update(fullName(table)).digest('base64url').slice(0, 6)
}

async function hasRows(sql: PgSession, table: CapturedTable): Promise<boolean> {
  const only = table.kind === 'p' ? '' : 'ONLY '
  try {
    return (await sql.query(`SELECT FROM ${only}${quoteTable(table)} LIMIT 1`)).length > 0
  } catch {
    // A table that cannot be read may hold rows.
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
  const [joined, gaps, recreated] = [of('joined'), of('gap'), of('recreated')]
  const lines = [
    ...(joined.length === 0
      ? []
      : [`${list(joined)} joined the captured tables after the snapshot: rows written before that are not captured.`]),
    ...(gaps.length === 0
      ? []
      : [
          `${list(gaps)} left the captured tables or the publication, was renamed, or was published with another row filter, ` +
            'column list or options, or by another publication, for some time: changes and deletions made in that time may be missing.',
        ]),
  ]
  if (recreated.length > 0) {
    lines.push(
      `${list(recreated)} was dropped and created again: topics and sinks still hold the rows of the dropped table, because ` +
        'DROP TABLE sends no deletions. Delete those rows in the sinks.',
    )
  }
  if (lines.length === 0) return null
  return (
    `${lines.join(' ')} To read all tables again, set snapshot.mode to always, and set it back when ` +
    'GET /connectors/<name>/offsets shows another offset.'
  )
}
