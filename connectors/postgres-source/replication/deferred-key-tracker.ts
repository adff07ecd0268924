import type { ConnectValue } from 'penstock/api'
import type { TableShape } from '../schema/table-shape.ts'
import type { Row } from './row-reader.ts'
import { sameValue } from './same-value.ts'

/** Limit of the remembered keys of one transaction. */
const maxKeys = 100_000

/** Which row leaves or keeps a key: the only row that has it, the first of two rows, or one that is ambiguous. */
export type KeyHolder = 'only' | 'first' | 'unclear'

interface Taken {
  readonly row: Row
  readonly byUpdate: boolean
}

/**
 * Tracks keys that are checked at the end of the transaction (`DEFERRABLE`): a row can take a key that another row still
 * has, as in `UPDATE t SET id = 3 - id`. The deletion of the first row's key must not delete the second row (I12). The
 * complete old row distinguishes them: such tables have REPLICA IDENTITY FULL, or no updates. Holds one transaction.
 */
export class DeferredKeyTracker {
  readonly #taken = new Map<string, Taken>()
  #isFull = false

  begin(): void {
    if (this.#taken.size > 0) this.#taken.clear()
    this.#isFull = false
  }

  /** A row takes its key. */
  take(shape: TableShape, row: Row, byUpdate: boolean): void {
    if (row.key === null) return
    if (this.#taken.size >= maxKeys) this.#isFull = true
    else this.#taken.set(rowName(shape, row.key), { row, byUpdate })
  }

  /** A row changes and keeps its key. */
  change(shape: TableShape, old: Row, row: Row): KeyHolder {
    if (row.key === null) return 'only'
    const name = rowName(shape, row.key)
    const taken = this.#taken.get(name)
    if (taken === undefined) return this.#isFull ? 'unclear' : 'only'
    if (!sameValue(taken.row.values, old.values)) return 'first'
    this.#taken.set(name, { ...taken, row })
    return 'only'
  }

  /** A row leaves its key. */
  leave(shape: TableShape, old: Row): KeyHolder {
    if (old.key === null) return 'only'
    const name = rowName(shape, old.key)
    const taken = this.#taken.get(name)
    if (taken === undefined) return this.#isFull ? 'unclear' : 'only'
    if (!sameValue(taken.row.values, old.values)) return 'first'
    this.#taken.delete(name)
    // Two equal rows that swap keys look like one row that comes and goes. That is common only for an inserted row.
    return taken.byUpdate ? 'unclear' : 'only'
  }
}

/** A map key for a row that is unique across tables. */
export function rowName(shape: TableShape, key: readonly ConnectValue[] | null): string {
  return JSON.stringify([shape.oid, key], (_name, value: unknown) => {
    const isOdd = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
    return isOdd ? String(value) : value
  })
}
