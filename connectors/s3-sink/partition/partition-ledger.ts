import { assert, present } from 'penstock/api'

/** An object of a {@link PartitionLedger}. */
export interface LedgerObject {
  /** The offset that names it. Final once `isNamed`. */
  readonly start: number
  readonly isNamed: boolean
}

/**
 * What is known of one partition's objects and offsets, and what may be done next. Pure: values in, values out.
 *
 * ```
 *   committed        end     start         end, start
 *      ├── object 0 ────┤  gap  ├── object 1 ──┼── object 2 (open) …   offsets
 * ```
 * An object is named by the offset of its first record, and is completed only while that *is* the committed offset: a gap
 * before it (records without a line) is committed first. So at most one object lies past the committed offset, and a replay,
 * which begins there, writes an object of the same name over it, of whatever length: offsets are covered once.
 */
export class PartitionLedger {
  readonly #objects: Entry[] = []
  #committed: number
  #next: number
  #answered: number | null = null
  /** The highest offset that was ever answered: the group may have it. */
  #offered: number
  /**
   * Whether an earlier life left an object at the committed offset. The record that names it may be gone now (compaction,
   * a transform): then the first object, which begins behind the gap, has to replace it under its name all the same.
   */
  #leftover: 'unknown' | 'none' | 'found' = 'unknown'

  /** @param position the offset at which reading begins: the committed one. */
  constructor(position: number) {
    this.#committed = position
    this.#next = position
    this.#offered = position
  }

  /** The offset that is known to be committed. */
  get committed(): number {
    return this.#committed
  }

  /** The offset from which records are taken. */
  get next(): number {
    return this.#next
  }

  /** Objects that are not behind the committed offset, the open one included. */
  get size(): number {
    return this.#objects.length
  }

  /** Whether the newest object takes records. */
  get isOpen(): boolean {
    return this.#objects.at(-1)?.state === 'open'
  }

  /** Begins the next object, whose first record has this offset. */
  begin(offset: number): LedgerObject {
    assert(!this.isOpen, 'an object is open already')
    assert(offset >= this.#next, `offset ${offset} lies before ${this.#next}`)
    const isFirst = this.#objects.length === 0 && this.#leftover !== 'none' && offset > this.#committed
    const start = isFirst && this.#leftover === 'found' ? this.#committed : offset
    const isNamed = !isFirst || this.#leftover === 'found'
    const object: Entry = { start, end: offset, state: 'open', isNamed }
    this.#objects.push(object)
    return object
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

  /** Whether the oldest object may be completed in the store: everything before it is committed. */
  get mayComplete(): boolean {
    const head = this.#objects[0]
    return head !== undefined && head.isNamed && head.state === 'sealed' && head.start === this.#committed
  }

  /** Whether the oldest object waits for the commit of what lies before it, and nothing else. */
  get waitsForGap(): boolean {
    const head = this.#objects[0]
    return head !== undefined && head.isNamed && head.state !== 'completed' && head.start !== this.#committed
  }

  /** The oldest object is in the store. */
  completed(): void {
    assert(this.mayComplete, 'the oldest object may not be completed yet')
    present(this.#objects[0], 'oldest object').state = 'completed'
  }

  /** Whether it has to be found out if an earlier life left an object at the committed offset. */
  needsLook(current: number): boolean {
    const head = this.#objects[0]
    return this.#leftover === 'unknown' && (head === undefined ? current > this.#next : !head.isNamed)
  }

  /** The store has, or has not, an object that starts at the committed offset. */
  looked(found: boolean): void {
    if (this.#leftover !== 'unknown') return
    this.#leftover = found ? 'found' : 'none'
    const head = this.#objects[0]
    if (head === undefined || head.isNamed) return
    head.isNamed = true
    if (found) head.start = this.#committed
  }

  /**
   * The offset to commit; null when there is nothing to say. Records that went into no object count as done when no open
   * object lies before them, and none of an earlier life can.
   * @param current the offset after the last record that was delivered.
   */
  answer(current: number): number | null {
    const [head, second] = this.#objects
    const isAllDone =
      head === undefined ? this.#leftover === 'none' : head.state === 'completed' && second === undefined
    if (isAllDone) this.#next = Math.max(this.#next, current)
    // The gap behind a completed object is done with it.
    const open = head?.state === 'completed' ? second : head
    const answer = open === undefined ? this.#next : open.isNamed ? open.start : this.#committed
    this.#answered = answer === this.#committed ? null : answer
    this.#offered = Math.max(this.#offered, answer)
    return this.#answered
  }

  /** The offset that was answered is committed. */
  confirm(offset: number): void {
    if (this.#answered !== offset) return
    this.#committed = offset
    this.#answered = null
    if (this.#objects[0]?.state !== 'completed') return
    this.#objects.shift()
    this.#leftover = 'none'
  }

  /** Whether what was answered is committed is not known: it will be answered again. */
  forget(): void {
    this.#answered = null
  }

  /**
   * Gives up the objects that are not in the store; their records have to be read again, from the offset answered. That is
   * not before any offset that the group may have: a later life could begin there, and would write these records again.
   */
  rewind(): number {
    const head = this.#objects[0]
    this.#objects.length = 0
    this.#answered = null
    if (head?.state === 'completed') this.#objects.push(head)
    this.#next = Math.max(this.#offered, head?.state === 'completed' ? head.end : 0)
    return this.#next
  }
}

interface Entry {
  start: number
  end: number
  state: 'open' | 'sealed' | 'completed'
  isNamed: boolean
}
