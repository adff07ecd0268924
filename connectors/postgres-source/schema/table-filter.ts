import type { NamePattern } from './name-pattern.ts'
import { fullName, type TableName } from './sql-text.ts'

export interface FilterLists {
  readonly schemaInclude: readonly NamePattern[]
  readonly schemaExclude: readonly NamePattern[]
  readonly tableInclude: readonly NamePattern[]
  readonly tableExclude: readonly NamePattern[]
  readonly columnInclude: readonly NamePattern[]
  readonly columnExclude: readonly NamePattern[]
  readonly ignoreBuiltin: boolean
}

const builtinSchemas = /^(?:pg_catalog|information_schema|pg_temp.*|pg_toast.*)$/

/** Selects the captured tables and columns. */
export class TableFilter {
  readonly #lists: FilterLists

  constructor(lists: FilterLists) {
    this.#lists = lists
  }

  /** Whether the options name tables or schemas. */
  get isNarrow(): boolean {
    return this.#lists.tableInclude.length > 0 || this.#lists.schemaInclude.length > 0
  }

  get tableInclude(): readonly NamePattern[] {
    return this.#lists.tableInclude
  }

  includesTable(table: TableName): boolean {
    const lists = this.#lists
    if (lists.ignoreBuiltin && (builtinSchemas.test(table.schema) || table.name === 'spatial_ref_sys')) return false
    if (lists.schemaInclude.length > 0 && !matches(lists.schemaInclude, table.schema)) return false
    if (matches(lists.schemaExclude, table.schema)) return false
    const name = fullName(table)
    if (lists.tableInclude.length > 0) return matches(lists.tableInclude, name)
    return !matches(lists.tableExclude, name)
  }

  includesColumn(table: TableName, column: string): boolean {
    const lists = this.#lists
    if (lists.columnInclude.length === 0 && lists.columnExclude.length === 0) return true
    const name = `${fullName(table)}.${column}`
    if (lists.columnInclude.length > 0) return matches(lists.columnInclude, name)
    return !matches(lists.columnExclude, name)
  }

  /** Sorts tables by the position of the pattern that matches them, then by name: the order of the snapshot. */
  order<T extends TableName>(tables: readonly T[]): T[] {
    const position = (table: T): number =>
      this.#lists.tableInclude.findIndex((pattern) => pattern.regex.test(fullName(table)))
    return [...tables].sort((a, b) => position(a) - position(b) || compare(fullName(a), fullName(b)))
  }
}

function matches(list: readonly NamePattern[], name: string): boolean {
  return list.some((pattern) => pattern.regex.test(name))
}

/** By UTF-16 code units, as Java compares strings. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
