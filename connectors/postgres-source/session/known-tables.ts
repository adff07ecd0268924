import { createHash } from 'node:crypto'
import type { RawConfig, SourceOffset, SourcePartition } from 'penstock/api'
import type { CapturedTable, CaptureView } from '../preflight/capture-view.ts'
import { emptyState, maxDropped, parseState, stateText, type KnownState, type Missed } from './known-state.ts'
import type { Publication } from '../replication/publication.ts'
import type { PgSession } from '../connection/session.ts'
import { fullName, quoteTable, type TableName } from '../schema/table-filter.ts'

/** Where the list of known tables is stored, beside the offset that Debezium knows. */
export function tablesPartition(prefix: string): SourcePartition {
  return { server: prefix, penstock: 'tables' }
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
  /** Tables that were taken for new ones, captured from their first row on. */
  readonly #born = new Set<number>()
  /** Of those whose rows came under another name: there were none at the last look. */
  #absent: ReadonlySet<number> = new Set()
  /** Null until tables were read, or compared at the start of the stream. */
  #state: KnownState | null = null
  #saved = ''

  constructor(parts: KnownTablesParts) {
    this.#parts = parts
  }

  /** All captured tables were read, with all that was committed before this position of the log. */
  onRead(view: CaptureView, readTo: number): void {
    this.#state = { ...emptyState(), readTo }
    this.#born.clear()
    this.#take(this.#state, view)
    this.#tell(this.#state, view)
  }

  /** Compares what is captured with what was known, for a stream that continues without reading tables. */
  async compare(sql: PgSession, view: CaptureView): Promise<void> {
    if (this.#state === null) {
      const stored = await this.#parts.load()
      // Of an older version, or of Debezium: what it captured counts as read.
      if (stored === null) {
        this.onRead(view, 0)
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
   * The stream sends rows of a table under this name, which were committed there. What comes under a name that the filters
   * leave out, or that the table had only between two looks, is missing where its other rows are.
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

  /** What is missing of a table whose rows came under another name: all before it joined, or those of a time. */
  #kindOf(state: KnownState, oid: number): Missed {
    return state.tables.has(oid) && !this.#born.has(oid) ? 'gap' : 'joined'
  }

  /** How changes of the table were missed since the state was taken; null where none were. */
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
    // The rows of a partition come under the name of its root, which tells of them.
    if (table.root !== null) return null
    // A publication for all tables or those of a schema holds a table from its first row on; that of a root its partitions.
    const isNamed = !publication.allTables && publication.named.has(table.oid)
    const isHeld = publication.allTables || table.holders.some((holder) => state.holders?.has(holder) !== false)
    const sinceBirth = !isNamed && isHeld && isSame && state.filters === this.#parts.filters
    if (!sinceBirth || state.others.has(table.oid) || state.passed.has(table.oid)) return 'joined'
    this.#born.add(table.oid)
    return null
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

  /** Those that are there were looked at. One that is not may be younger than the look, or dropped: the next one tells. */
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

/** A row of pg_attribute for a system column is as old as the table. */
const attachedSql = `
select i.inhrelid::int8::float8 as oid from pg_inherits i
  join pg_attribute a on a.attrelid = i.inhrelid and a.attnum = -1
where i.inhrelid = any($1::oid[]) and a.xmin::text <> i.xmin::text`

/**
 * Whether the publication is the same one, with the same options all the time. Of one that was created again nobody knows
 * what stood between, and may have left rows out; only rows that meet none at all end the stream. A new owner leaves the
 * options alone: what was altered beside it does not show.
 */
function isUntouched({ publication: oid, options, owner }: KnownState, publication: Publication): boolean {
  if (oid !== null && oid !== publication.oid) return false
  return options === null || options === publication.options || (owner !== null && owner !== publication.owner)
}

/** How a known table is not any more where its rows were captured; null where it is. */
function movedIn(state: KnownState, { publication }: CaptureView, table: CapturedTable): Missed | null {
  const { oid, parent, root, place } = table
  const before = state.places.get(oid)
  if (root === null && (state.names.get(oid) ?? '') !== '' && state.names.get(oid) !== nameHash(table)) return 'joined'
  if (before === undefined || before === place) return null
  const isSentByPlace = root !== null || (parent !== null && !publication.allTables && !publication.named.has(oid))
  if (!isSentByPlace) return null
  return before === '' ? 'joined' : 'gap'
}

/** DROP TABLE sends nothing, and so the deletions of all its rows are missing where another table takes its name. */
function noteDropped(state: KnownState, view: CaptureView): void {
  for (const [oid, hash] of state.names) {
    if (hash !== '' && !view.existing.has(oid)) state.dropped.add(hash)
  }
  for (const hash of state.dropped) if (state.dropped.size > maxDropped) state.dropped.delete(hash)
}

/** Rows and changes that are missing weigh more than deletions of another table's. */
function isSettled({ missed }: KnownState, oid: number): boolean {
  return missed.has(oid) && missed.get(oid) !== 'recreated'
}

/** The rows of a partition come under the name of its root. */
function isRecreated(state: KnownState, table: CapturedTable): boolean {
  return table.root === null && !state.tables.has(table.oid) && state.dropped.has(nameHash(table))
}

/** Names are compared alone: whole ones would make the offset large. */
function nameHash(table: TableName): string {
  return createHash('sha256').update(fullName(table)).digest('base64url').slice(0, 6)
}

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
  const [joined, gaps, recreated] = [of('joined'), of('gap'), of('recreated')]
  const lines = [
    ...(joined.length === 0
      ? []
      : [`${list(joined)} joined the captured tables after the snapshot: rows written before are not captured.`]),
    ...(gaps.length === 0
      ? []
      : [
          `${list(gaps)} left the captured tables or the publication, or had another name, or were published with another ` +
            'row filter, column list or options or by another publication, for a time: changes of that time may not be captured, deletions included.',
        ]),
  ]
  if (recreated.length > 0) {
    lines.push(
      `${list(recreated)} was dropped and created again: topics and sinks still hold the rows of the dropped table, as DROP TABLE ` +
        'sends no deletions. Delete them there.',
    )
  }
  if (lines.length === 0) return null
  return (
    `${lines.join(' ')} To read all tables again, set snapshot.mode to always, and back once ` +
    'GET /connectors/<name>/offsets shows another offset.'
  )
}
