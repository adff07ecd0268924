import { assert, present } from 'penstock/api'

/**
 * What is known of one partition's objects and offsets, and what may be done next. Pure: values in, values out.
 *
 * ```
 *   committed          end                 end
 *      │   object 0     │     object 1      │    object 2 (open)
 *      ├────────────────┼───────────────────┼───────────────── …   offsets
 *      start            start               start
 * ```
 * Objects lie side by side: each starts where the one before it ends, the first at the committed offset. An object is
 * named by its start, and is completed in the store only while its start *is* the committed offset. So the store never
 * holds more than one object past the committed offset, and a replay, which begins at the committed offset, writes an
 * object of the same name over it, however long or short that one turns out. Offsets are covered once. For the same
 * reason offsets without records are not committed by themselves while such an object may be there: the replay's would
 * begin behind them, under another name.
 */
export class PartitionLedger {
  readonly #objects: Entry[] = []
  #committed: number
  #next: number
  #answered: number | null = null
  #mayBeReplay = true

  /** @param position the offset at which reading begins: the committed one. */
  constructor(position: number) {
    this.#committed = position
    this.#next = position
  }

  /** The offset from which a replay would begin. */
  get committed(): number {
    return this.#committed
  }

  /** Objects that are not behind the committed offset, the open one included. */
  get size(): number {
    return this.#objects.length
  }

  /** Whether the newest object takes records. */
  get isOpen(): boolean {
    return this.#objects.at(-1)?.state === 'open'
  }

  /** Begins the next object and says at which offset. */
  begin(): number {
    assert(!this.isOpen, 'an object is open already')
    this.#objects.push({ start: this.#next, end: this.#next, state: 'open' })
    return this.#next
  }

  /** A record went into the open object. */
  extend(offset: number): void {
    const open = present(this.#objects.at(-1), 'open object')
    assert(open.state === 'open' && offset >= open.end, `offset ${offset} does not follow ${open.end}`)
    open.end = offset + 1
    this.#next = open.end
  }

  /** The open object takes no more records. */
  seal(): void {
    const open = present(this.#objects.at(-1), 'open object')
    assert(open.state === 'open' && open.end > open.start, 'only an open object with records can be sealed')
    open.state = 'sealed'
  }

  /** Whether the oldest object may be completed in the store: all before it is committed. */
  get mayComplete(): boolean {
    const head = this.#objects[0]
    return head !== undefined && head.state === 'sealed' && head.start === this.#committed
  }

  /** The oldest object is in the store. */
  completed(): void {
    assert(this.mayComplete, 'the oldest object may not be completed yet')
    present(this.#objects[0], 'oldest object').state = 'completed'
  }

  /** Whether records that went into no object are not answered until it is known that this is no replay. */
  withholds(current: number): boolean {
    return this.#mayBeReplay && this.#objects.length === 0 && current > this.#next
  }

  /** The store has no object that starts at the committed offset. */
  noReplay(): void {
    this.#mayBeReplay = false
  }

  /**
   * The offset to commit; null when there is nothing to say. Records that went into no object count as done when
   * no object lies before them, unless they are withheld.
   * @param current the offset after the last record that was delivered.
   */
  answer(current: number): number | null {
    const head = this.#objects[0]
    if (head === undefined && current > this.#next && !this.#mayBeReplay) this.#next = current
    const answer = head === undefined ? this.#next : head.state === 'completed' ? head.end : head.start
    this.#answered = answer === this.#committed ? null : answer
    return this.#answered
  }

  /** What was answered is committed. Says whether an object is done with. */
  confirm(): boolean {
    if (this.#answered === null) return false
    this.#committed = this.#answered
    this.#answered = null
    if (this.#objects[0]?.state !== 'completed') return false
    this.#objects.shift()
    this.#mayBeReplay = false
    return true
  }

  /** Whether what was answered is committed is not known: it will be answered again. */
  forget(): void {
    this.#answered = null
  }
}

interface Entry {
  readonly start: number
  end: number
  state: 'open' | 'sealed' | 'completed'
}
