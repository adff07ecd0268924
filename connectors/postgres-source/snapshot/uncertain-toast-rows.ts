import { DataError, type ConnectValue, type Schema, type SourceOffset } from 'penstock/api'
import { rowName } from '../replication/deferred-key-tracker.ts'
import type { Row } from '../replication/row-reader.ts'
import { quoteIdentifier, quoteLiteral, quoteTable } from '../schema/sql-text.ts'
import type { ColumnPlan, TableShape } from '../schema/table-shape.ts'

/** Limits of the tracked rows of one table, and of the statement that repairs them. */
const maxTrackedRows = 100
const maxShownTables = 8
const maxShownKeys = 5

/** A row before and after its key changed, and the columns whose TOAST value the change does not carry. */
export interface MovedRow {
  readonly old: Row
  readonly row: Row
  readonly unchanged: readonly ColumnPlan[]
}

interface TrackedRow {
  /** The key as SQL literals; null when its type has no safe literal form. */
  readonly literals: readonly string[] | null
  /** Columns whose value a sink may have taken from another row. */
  readonly columns: readonly string[]
}

interface TrackedTable {
  /** Quoted for SQL. */
  readonly name: string
  readonly keyColumns: readonly string[]
  /** Array columns among the columns of its rows. */
  readonly arrays: Set<string>
  /** By {@link rowName}. */
  readonly rows: Map<string, TrackedRow>
  /** The columns of all rows, also of those beyond {@link maxTrackedRows}. */
  readonly columns: Set<string>
  /** Number of rows beyond {@link maxTrackedRows}. */
  more: number
  /** Rows that the last transaction wrote with all their values, and the LSN of its commit. */
  written: { at: number; rows: number }
}

/**
 * Tracks rows whose unchanged TOAST values may be wrong in a sink, until a change carries the values or deletes the row. A
 * table with more rows than are tracked counts as repaired when one transaction writes that many rows with all values.
 */
export class UncertainToastRows {
  readonly #tables = new Map<number, TrackedTable>()
  #changed = false

  get isEmpty(): boolean {
    return this.#tables.size === 0
  }

  /** Returns whether the state has changed since the last call in a way that must be stored. */
  takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  /** The key of a row changed. @param isAhead whether the snapshot may contain the change */
  moved(shape: TableShape, { old, row, unchanged }: MovedRow, isAhead: boolean): void {
    const before = this.#take(shape, old)
    const names = unchanged.map((plan) => plan.name)
    const columns = isAhead ? names : (before?.columns ?? []).filter((name) => names.includes(name))
    this.#take(shape, row)
    if (columns.length > 0) this.#add(shape, row, columns, unchanged)
    this.#forgetWhole(shape.oid)
  }

  /** A row was written and kept its key. @param at LSN of the commit */
  written(shape: TableShape, row: Row, unchanged: readonly ColumnPlan[], at: number): void {
    const table = this.#tables.get(shape.oid)
    if (table === undefined || row.key === null) return
    if (unchanged.length === 0) table.written = { at, rows: table.written.at === at ? table.written.rows + 1 : 1 }
    const name = rowName(shape, row.key)
    const before = table.rows.get(name)
    if (before !== undefined) {
      const columns = before.columns.filter((column) => unchanged.some((plan) => plan.name === column))
      if (columns.length === before.columns.length) return
      this.#changed = true
      if (columns.length === 0) table.rows.delete(name)
      else table.rows.set(name, { ...before, columns })
    }
    this.#forgetWhole(shape.oid)
  }

  gone(shape: TableShape, old: Row): void {
    this.#take(shape, old)
    this.#forgetWhole(shape.oid)
  }

  /** The table was truncated, or a snapshot read it again. */
  forget(oid: number): void {
    if (this.#tables.delete(oid)) this.#changed = true
  }

  forgetAll(): void {
    for (const oid of this.#tables.keys()) this.forget(oid)
  }

  #take(shape: TableShape, { key }: Row): TrackedRow | null {
    const rows = this.#tables.get(shape.oid)?.rows
    if (rows === undefined || key === null) return null
    const name = rowName(shape, key)
    const row = rows.get(name) ?? null
    if (rows.delete(name)) this.#changed = true
    return row
  }

  #add(shape: TableShape, { key }: Row, columns: readonly string[], plans: readonly ColumnPlan[]): void {
    const table = this.#tables.get(shape.oid) ?? newTable(shape)
    this.#tables.set(shape.oid, table)
    for (const name of columns) table.columns.add(name)
    for (const { name, isArray } of plans) if (isArray) table.arrays.add(name)
    if (table.rows.size < maxTrackedRows) {
      table.rows.set(rowName(shape, key), { literals: literalsOf(shape.keySchema, key), columns })
      this.#changed = true
      return
    }
    table.more += 1
    // Storing the state costs a record, so it is stored each time the number doubles.
    if (Number.isInteger(Math.log2(table.more))) this.#changed = true
  }

  #forgetWhole(oid: number): void {
    const table = this.#tables.get(oid)
    if (table === undefined) return
    const isWhole = table.more === 0 || table.written.rows >= maxTrackedRows + table.more
    if (isWhole && table.rows.size === 0) this.forget(oid)
  }

  /** The state to store; {@link load} reads it. */
  state(): SourceOffset {
    const tables = [...this.#tables].map(([oid, table]): StoredTable => {
      const { name, keyColumns, arrays, rows, columns, more } = table
      return { oid, name, keyColumns, arrays: [...arrays], rows: [...rows], columns: [...columns], more }
    })
    return { tables: JSON.stringify(tables) }
  }

  /** @throws DataError */
  load(offset: SourceOffset): void {
    for (const { oid, name, keyColumns, arrays, rows, columns, more } of parseState(offset)) {
      const sets = { arrays: new Set(arrays), rows: new Map(rows), columns: new Set(columns) }
      this.#tables.set(oid, { name, keyColumns, ...sets, more, written: { at: 0, rows: 0 } })
    }
  }

  /** One message for each table, with the statement that writes the values again. */
  texts(): string[] {
    return [...this.#tables.values()].map(textOf)
  }

  /** All tables in one message; null when there are none. */
  text(): string | null {
    if (this.isEmpty) return null
    const texts = this.texts()
    const left = texts.length - maxShownTables
    return texts.slice(0, maxShownTables).join(' ') + (left > 0 ? ` And ${left} more tables.` : '')
  }
}

interface StoredTable {
  readonly oid: number
  readonly name: string
  readonly keyColumns: readonly string[]
  readonly arrays: readonly string[]
  readonly rows: readonly (readonly [string, TrackedRow])[]
  readonly columns: readonly string[]
  readonly more: number
}

function parseState({ tables }: SourceOffset): readonly StoredTable[] {
  try {
    return JSON.parse(String(tables)) as readonly StoredTable[]
  } catch (error) {
    throw new DataError(`cannot parse the stored list of rows with uncertain values: ${String(tables)}`, {
      code: 'PG_OFFSET',
      cause: error,
    })
  }
}

function newTable(shape: TableShape): TrackedTable {
  const sets = { arrays: new Set<string>(), rows: new Map<string, TrackedRow>(), columns: new Set<string>() }
  const { keyColumns } = shape
  return { name: quoteTable(shape), keyColumns, ...sets, more: 0, written: { at: 0, rows: 0 } }
}

/** Numbers and text are written as literals. Records encode all other types differently from SQL. */
function literalsOf(schema: Schema | null, key: readonly ConnectValue[] | null): readonly string[] | null {
  const literals = (schema?.fields ?? []).map((field, i) => {
    const value = key?.[i] ?? null
    if (field.schema.name === null && (typeof value === 'number' || typeof value === 'bigint')) return String(value)
    return typeof value === 'string' ? quoteLiteral(value) : null
  })
  return literals.some((literal) => literal === null) ? null : literals.map(String)
}

function textOf(table: TrackedTable): string {
  const { name, keyColumns, rows, more, arrays } = table
  const count = rows.size + more
  const columns = [...table.columns].map(quoteIdentifier)
  const known = [...rows.values()].flatMap(({ literals }) => (literals === null ? [] : [tupleOf(literals)]))
  const left = count - Math.min(known.length, maxShownKeys)
  const keys = [...known.slice(0, maxShownKeys), ...(left > 0 ? [`${left} more`] : [])].join(', ')
  const key = tupleOf(keyColumns.map(quoteIdentifier))
  const sets = [...table.columns].map((column) => `${quoteIdentifier(column)} = ${copyExpression(column, arrays)}`)
  const where = known.length === count ? ` WHERE ${key} IN (${known.join(', ')})` : ''
  return `${name}: ${count} rows (${key}: ${keys}), ${columns.join(', ')}. Run: UPDATE ${name} SET ${sets.join(', ')}${where};`
}

function tupleOf(parts: readonly string[]): string {
  return parts.length === 1 ? String(parts[0]) : `(${parts.join(', ')})`
}

/** Copies the value: an UPDATE writes a TOAST value to the WAL only if it is not the stored value itself. */
function copyExpression(column: string, arrays: ReadonlySet<string>): string {
  const name = quoteIdentifier(column)
  // ARRAY[array] would have one more dimension, and NULL || '{}' is '{}'.
  return arrays.has(column) ? `CASE WHEN ${name} IS NOT NULL THEN ${name} || '{}' END` : `(ARRAY[${name}])[1]`
}
