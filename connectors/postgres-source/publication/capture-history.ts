import type { RawConfig, SourceOffset, SourcePartition } from 'penstock/api'
import { createHash } from 'node:crypto'
import type { PgConnection } from '../connection/pg-connection.ts'
import { fullName, type TableName } from '../schema/sql-text.ts'
import {
  addDropped,
  attachedPartitions,
  hasMissingRows,
  hasRows,
  isRecreated,
  isSamePublication,
  movedReason,
  nameHash,
} from './capture-comparison.ts'
import {
  emptyState,
  formatState,
  parseState,
  type CaptureHistoryState,
  type IncompleteReason,
} from './capture-history-state.ts'
import type { CapturedTable, CaptureView } from './capture-view.ts'
import { incompleteTablesMessage } from './incomplete-tables-message.ts'

/** The source partition of the capture history, beside the offset that Debezium reads. */
export function tablesPartition(prefix: string): SourcePartition {
  return { server: prefix, penstock: 'tables' }
}

/** The task's services for {@link CaptureHistory}. */
export interface CaptureHistoryOptions {
  readonly load: () => Promise<SourceOffset | null>
  readonly save: (offset: SourceOffset) => void
  readonly setCondition: (message: string | null) => void
  /** Hash of the options that select tables, see {@link tableFilterHash}. */
  readonly filterHash: string
}

const listOptions = ['schema.include.list', 'schema.exclude.list', 'table.include.list', 'table.exclude.list']

/** Hashes the options that select tables, to find out whether a config selects the same tables as the one before. */
export function tableFilterHash(raw: RawConfig): string {
  const text = listOptions.map((key) => raw[key] ?? '').join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/**
 * Finds captured tables that are incomplete in the topics. A table is complete when a snapshot read its rows, or the
 * stream has sent it since its first row. A table that joins later has rows that were never captured; a table that was
 * left out for some time has lost changes. The condition PG_UNREAD names these tables until a snapshot reads all tables
 * again (I7). Lives as long as the task.
 */
export class CaptureHistory {
  readonly #options: CaptureHistoryOptions
  readonly #names = new Map<number, string>()
  /** Tables that were captured from their first row on. */
  readonly #completeFromStart = new Set<number>()
  /** Tables in `sentElsewhere` that did not exist at the last check. */
  #notYetSeen: ReadonlySet<number> = new Set()
  /** Null until a snapshot has read the tables or {@link compare} has run. */
  #state: CaptureHistoryState | null = null
  #saved = ''

  constructor(options: CaptureHistoryOptions) {
    this.#options = options
  }

  /** A snapshot has read all captured tables, with everything committed before `readTo`. */
  onRead(view: CaptureView, readTo: number): void {
    this.#state = { ...emptyState(), completeUpTo: readTo }
    this.#completeFromStart.clear()
    this.#replace(this.#state, view)
    this.#publish(this.#state, view)
  }

  /** Compares the captured tables with the stored state, for a stream that continues without a snapshot. */
  async compare(sql: PgConnection, view: CaptureView): Promise<void> {
    if (this.#state === null) {
      const stored = await this.#options.load()
      // Debezium or an older version wrote the offset: its tables count as complete.
      if (stored === null) {
        this.onRead(view, 0)
        return
      }
      this.#state = parseState(stored)
    }
    await this.update(sql, view)
  }

  /** Compares again while the stream runs. Does nothing before the first snapshot or {@link compare}. */
  async update(sql: PgConnection, view: CaptureView): Promise<void> {
    const state = this.#state
    if (state === null) return
    addDropped(state, view)
    const attached = await attachedPartitions(sql, state, view)
    for (const table of view.tables) {
      const reason = attached.has(table.oid) ? 'joined' : this.#incompleteReason(state, view, table)
      if (reason === 'gap' || (reason === 'joined' && (await hasRows(sql, table)))) {
        state.incomplete.set(table.oid, reason)
      } else if (isRecreated(state, table)) {
        state.incomplete.set(table.oid, 'recreated')
      }
    }
    this.#replace(state, view)
    this.#publish(state, view)
  }

  /**
   * The stream sends rows of a table under this name, committed at `committedAt`. Rows that arrive under a name that the
   * filters exclude, or that the table had only between two checks, are missing from the table's topic.
   */
  onRows(table: TableName & { readonly oid: number }, isCaptured: boolean, committedAt: number): void {
    const state = this.#state
    if (state === null || committedAt <= state.completeUpTo) return
    const { oid } = table
    const name = fullName(table)
    const isElsewhere = !isCaptured || name !== (this.#names.get(oid) ?? name)
    if (isElsewhere === state.sentElsewhere.has(oid)) return
    if (!isElsewhere) {
      state.sentElsewhere.delete(oid)
      if (!hasMissingRows(state, oid)) state.incomplete.set(oid, this.#reasonElsewhere(state, oid))
      this.#names.set(oid, name)
    } else if (state.formerlyCaptured.has(oid) || state.neverCaptured.has(oid)) {
      return
    } else {
      state.sentElsewhere.add(oid)
    }
    this.#publish(state, null)
  }

  /** The reason for a table whose rows arrived under another name. */
  #reasonElsewhere(state: CaptureHistoryState, oid: number): IncompleteReason {
    return state.tables.has(oid) && !this.#completeFromStart.has(oid) ? 'gap' : 'joined'
  }

  /** Returns why the table is incomplete since the stored state; null when it is complete. */
  #incompleteReason(state: CaptureHistoryState, view: CaptureView, table: CapturedTable): IncompleteReason | null {
    const { publication } = view
    const isSame = isSamePublication(state, publication)
    const entries = state.tables.get(table.oid)
    if (hasMissingRows(state, table.oid)) return state.incomplete.get(table.oid) ?? null
    if (state.formerlyCaptured.has(table.oid)) return 'gap'
    if (entries !== undefined) {
      const moved = movedReason(state, view, table)
      if (moved !== null) return moved
      if (state.sentElsewhere.has(table.oid)) return this.#reasonElsewhere(state, table.oid)
      const isCovered = isSame && (entries === null || entries.every((entry) => table.entries.includes(entry)))
      return isCovered || table.root !== null ? null : 'gap'
    }
    // Rows of a partition are sent under the name of its root, which is checked instead.
    if (table.root !== null) return null
    // A publication FOR ALL TABLES, or of a schema, covers a table from its first row; one of a root covers its partitions.
    const isNamed = !publication.allTables && publication.named.has(table.oid)
    const isCovered = publication.allTables || table.entries.some((entry) => state.wideEntries?.has(entry) !== false)
    const fromFirstRow = !isNamed && isCovered && isSame && state.filterHash === this.#options.filterHash
    if (!fromFirstRow || state.neverCaptured.has(table.oid) || state.sentElsewhere.has(table.oid)) return 'joined'
    this.#completeFromStart.add(table.oid)
    return null
  }

  #replace(state: CaptureHistoryState, view: CaptureView): void {
    const captured = new Set(view.tables.map((table) => table.oid))
    for (const oid of state.tables.keys()) if (!captured.has(oid)) state.formerlyCaptured.add(oid)
    state.tables.clear()
    state.neverCaptured.clear()
    state.nameHashes.clear()
    state.places.clear()
    for (const table of view.tables) {
      const { oid, root, place } = table
      state.formerlyCaptured.delete(oid)
      state.tables.set(oid, root === null ? table.entries : [])
      state.nameHashes.set(oid, nameHash(table))
      state.places.set(oid, place)
    }
    this.#forgetSentElsewhere(state, view)
    for (const oid of view.existing)
      if (!captured.has(oid) && !state.formerlyCaptured.has(oid)) state.neverCaptured.add(oid)
    const isThere = (oid: number): boolean => view.existing.has(oid)
    for (const oid of state.formerlyCaptured) if (!isThere(oid)) state.formerlyCaptured.delete(oid)
    for (const oid of state.incomplete.keys()) if (!isThere(oid)) state.incomplete.delete(oid)
    state.publication = view.publication.oid
    state.options = view.publication.options
    state.owner = view.publication.owner
    state.wideEntries = view.wideEntries
    state.filterHash = this.#options.filterHash
    state.knowsPartitions = true
  }

  /** Forgets tables that this check has seen. A table that does not exist may be newer than the check, or dropped: the next check decides. */
  #forgetSentElsewhere(state: CaptureHistoryState, view: CaptureView): void {
    for (const oid of state.sentElsewhere)
      if (view.existing.has(oid) || this.#notYetSeen.has(oid)) state.sentElsewhere.delete(oid)
    this.#notYetSeen = new Set(state.sentElsewhere)
  }

  #publish(state: CaptureHistoryState, view: CaptureView | null): void {
    if (view !== null) {
      this.#names.clear()
      for (const table of view.tables) this.#names.set(table.oid, fullName(table))
    }
    const offset = formatState(state)
    const text = JSON.stringify(offset)
    if (text !== this.#saved) this.#options.save(offset)
    this.#saved = text
    this.#options.setCondition(incompleteTablesMessage(state.incomplete, this.#names))
  }
}
