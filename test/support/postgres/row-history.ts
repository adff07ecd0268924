/** A change of a row as the topic holds it: read by a snapshot or streamed, with the row's own count of changes; or its deletion. */
export type RowChange = { readonly kind: 'read' | 'change'; readonly rev: number } | { readonly kind: 'end' }

interface Row {
  /** The latest count a snapshot has read; -1 before. */
  read: number
  /** The latest count streamed; null before. */
  streamed: number | null
  ended: boolean
  /** The first streamed change when no snapshot had read the one before; null when the stream started correctly. */
  unread: number | null
}

/**
 * Follows the changes of many rows through a topic that may contain re-sent runs, and reports violations: without the
 * re-sent runs, the streamed changes of a row must be complete and in order, and start where a snapshot ended (I2, I12).
 */
export class RowHistory {
  readonly #rows = new Map<string, Row>()
  readonly faults: string[] = []
  /** Streamed records that repeated what the topic held already. */
  resent = 0

  /** The next record of a row, in the order of the topic. */
  see(key: string, change: RowChange): void {
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = { read: -1, streamed: null, ended: false, unread: null }
      this.#rows.set(key, row)
    }
    if (change.kind === 'read') row.read = Math.max(row.read, change.rev)
    else if (change.kind === 'end') {
      if (row.ended) this.resent += 1
      row.ended = true
    } else this.#stream(key, row, change.rev)
  }

  #stream(key: string, row: Row, rev: number): void {
    if (row.streamed === null) {
      if (rev > row.read + 1) row.unread = rev
    } else if (rev <= row.streamed) {
      this.resent += 1
      return
    } else if (rev !== row.streamed + 1) this.#fault(key, `change ${rev} follows ${row.streamed}`)
    if (row.ended) this.#fault(key, `change ${rev} follows its end`)
    row.streamed = rev
  }

  /**
   * Compares with what the table holds at the end: the count of changes by key. A row that an interrupted snapshot had not
   * reached and that was gone when it was read again is streamed from its first change: nothing else may begin so.
   */
  finish(table: ReadonlyMap<string, number>): void {
    for (const [key, rev] of table) {
      const row = this.#rows.get(key)
      const last = Math.max(row?.read ?? -1, row?.streamed ?? -1)
      if (row === undefined) this.#fault(key, 'is in the table and not in the log')
      else if (row.ended) this.#fault(key, 'is in the table, and its end in the log')
      else if (last !== rev) this.#fault(key, `is at change ${rev} in the table, at ${last} in the log`)
    }
    for (const [key, row] of this.#rows) {
      if (row.unread !== null && !row.ended)
        this.#fault(key, `change ${row.unread} is the first streamed, and what was before was never read`)
      if (!row.ended && !table.has(key)) this.#fault(key, 'is gone from the table, and the log does not say so')
    }
  }

  #fault(key: string, what: string): void {
    if (this.faults.length < 20) this.faults.push(`row ${key} ${what}`)
  }
}
