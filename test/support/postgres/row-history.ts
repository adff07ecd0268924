/** A change of a row as the topic holds it: read by a snapshot or streamed, with the row's own count of changes; or its deletion. */
export type RowChange = { readonly kind: 'read' | 'change'; readonly rev: number } | { readonly kind: 'end' }

/** No change of that kind was seen. */
const none = -1

/**
 * Follows the changes of many rows through a topic that may contain re-sent runs, and reports violations: without the
 * re-sent runs, the streamed changes of a row must be complete and in order, and start where a snapshot ended (I2, I12).
 * Holds four numbers for each row, in columns: there may be millions.
 */
export class RowHistory {
  /** Where a row is in the columns, by its id. */
  readonly #places = new Map<number, number>()
  #capacity = 0
  /** The latest count a snapshot has read. */
  #read = new Int32Array(0)
  /** The latest count streamed. */
  #streamed = new Int32Array(0)
  /** The first streamed change when no snapshot had read the one before; none when the stream started correctly. */
  #unread = new Int32Array(0)
  /** {@link ended}, {@link standing} or both. */
  #state = new Uint8Array(0)
  #resending = false
  readonly faults: string[] = []
  /** Streamed records that repeated what the topic held already. */
  resent = 0
  /** In how many runs they stand; a source begins one only when it resumes from an earlier offset. */
  runs = 0

  /** The next record of a row, in the order of the topic. */
  see(id: number, change: RowChange): void {
    const row = this.#places.get(id) ?? this.#add(id)
    if (change.kind === 'read') this.#read[row] = Math.max(this.#read[row] ?? none, change.rev)
    else this.#repeated(change.kind === 'end' ? this.#end(row) : this.#stream(id, row, change.rev))
  }

  #add(id: number): number {
    const row = this.#places.size
    if (row === this.#capacity) this.#grow()
    this.#places.set(id, row)
    return row
  }

  #grow(): void {
    const larger = (column: Int32Array): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(this.#capacity).fill(none)
      copy.set(column)
      return copy
    }
    this.#capacity = Math.max(1024, this.#capacity * 2)
    this.#read = larger(this.#read)
    this.#streamed = larger(this.#streamed)
    this.#unread = larger(this.#unread)
    const state = new Uint8Array(this.#capacity)
    state.set(this.#state)
    this.#state = state
  }

  #repeated(repeats: boolean): void {
    if (repeats) this.resent += 1
    if (repeats && !this.#resending) this.runs += 1
    this.#resending = repeats
  }

  /** Whether that repeats the end of a row. */
  #end(row: number): boolean {
    const repeats = this.#is(row, ended)
    this.#mark(row, ended)
    return repeats
  }

  /** Whether that repeats a change of a row. */
  #stream(id: number, row: number, rev: number): boolean {
    const streamed = this.#streamed[row] ?? none
    if (streamed === none) {
      if (rev > (this.#read[row] ?? none) + 1) this.#unread[row] = rev
    } else if (rev <= streamed) return true
    else if (rev !== streamed + 1) this.#fault(id, `change ${rev} follows ${streamed}`)
    if (this.#is(row, ended)) this.#fault(id, `change ${rev} follows its end`)
    this.#streamed[row] = rev
    return false
  }

  /** What the table holds at the end: one of its rows and the count of its changes. Every row must be named before {@link finish}. */
  expect(id: number, rev: number): void {
    const row = this.#places.get(id)
    if (row === undefined) {
      this.#fault(id, 'is in the table and not in the log')
      return
    }
    const last = Math.max(this.#read[row] ?? none, this.#streamed[row] ?? none)
    if (this.#is(row, ended)) this.#fault(id, 'is in the table, and its end in the log')
    else if (last !== rev) this.#fault(id, `is at change ${rev} in the table, at ${last} in the log`)
    this.#mark(row, standing)
  }

  /**
   * Judges the rows that are not in the table. A row that an interrupted snapshot had not reached and that was gone when it
   * was read again is streamed from its first change: nothing else may begin so.
   */
  finish(): void {
    for (const [id, row] of this.#places) {
      if (this.#is(row, ended)) continue
      const unread = this.#unread[row] ?? none
      if (unread !== none) this.#fault(id, `change ${unread} is the first streamed, and what was before was never read`)
      if (!this.#is(row, standing)) this.#fault(id, 'is gone from the table, and the log does not say so')
    }
  }

  #is(row: number, state: number): boolean {
    return ((this.#state[row] ?? 0) & state) !== 0
  }

  #mark(row: number, state: number): void {
    this.#state[row] = (this.#state[row] ?? 0) | state
  }

  #fault(id: number, what: string): void {
    if (this.faults.length < 20) this.faults.push(`row ${id} ${what}`)
  }
}

const ended = 1
const standing = 2
