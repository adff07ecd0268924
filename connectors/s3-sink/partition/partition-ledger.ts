import { assert, present } from 'penstock/api'

/** An object of a {@link PartitionLedger}. */
export interface LedgerObject {
  /** The offset that names it. Final once `isNamed`. */
  readonly start: number
  readonly isNamed: boolean
}

/**
 * The objects and offsets of one partition, and what may be done next. Pure: values in, values out.
 *
 * ```
 *   committed        end     start         end, start
 *      ├── object 0 ────┤  gap  ├── object 1 ──┼── object 2 (open) …   offsets
 * ```
 * An object is named by the offset of its first record. It is completed only while that *is* the committed offset: a gap
 * before it (records without a line) is committed first. So at most one object lies past the committed offset. A replay begins
 * there and replaces that object with one of the same name, whatever its length. Each offset is therefore stored once.
 */
export class PartitionLedger {
  readonly #objects: Entry[] = []
  #committed: number
  #next: number
  /** The offset whose commit is in progress. */
  #pending: number | null = null
  /** The highest offset that was ever returned to commit: the group may have it. */
  #offered: number
  /**
   * Whether an earlier run of the task left an object at the committed offset. The record that names it may be missing now
   * (compaction, a transform). The first object then begins behind a gap, and still has to replace it, under its name.
   */
  #leftover: 'unknown' | 'none' | 'found' = 'unknown'

  /** @param position the offset at which reading begins: the committed one. */
  constructor(position: number) {
    this.#committed = position
    this.#next = position
    this.#offered = position
  }

  /**
   * The ledger of a partition that was just opened.
   * @param looks whether an object of an earlier run can be found by its offset: not where it is in one of several directories.
   */
  static from(position: number, looks: boolean): PartitionLedger {
    const ledger = new PartitionLedger(position)
    if (!looks) ledger.looked(false)
    return ledger
  }

  /** The offset that is known to be committed. */
  get committed(): number {
    return this.#committed
  }

  /** The offset from which records are taken. */
  get next(): number {
    return this.#next
  }

  /** The number of objects that are not fully committed, the open one included. */
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

  /** A record was added to the open object. */
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

  /** Whether the store has to be asked for an object that an earlier run left at the committed offset. */
  needsLook(current: number): boolean {
    const head = this.#objects[0]
    return this.#leftover === 'unknown' && (head === undefined ? current > this.#next : !head.isNamed)
  }

  /** The result of that look. */
  looked(found: boolean): void {
    if (this.#leftover !== 'unknown') return
    this.#leftover = found ? 'found' : 'none'
    const head = this.#objects[0]
    if (head === undefined || head.isNamed) return
    head.isNamed = true
    if (found) head.start = this.#committed
  }

  /**
   * Returns the offset to commit, below which every record is stored (I1); null when it is committed already. Records that went
   * into no object count as stored when no open object lies before them, and no object of an earlier run can.
   * @param current the offset after the last record that was delivered.
   */
  committableOffset(current: number): number | null {
    const [head, second] = this.#objects
    const isAllDone =
      head === undefined ? this.#leftover === 'none' : head.state === 'completed' && second === undefined
    if (isAllDone) this.#next = Math.max(this.#next, current)
    // The gap behind a completed object is done with it.
    const open = head?.state === 'completed' ? second : head
    const offset = open === undefined ? this.#next : open.isNamed ? open.start : this.#committed
    this.#pending = offset === this.#committed ? null : offset
    this.#offered = Math.max(this.#offered, offset)
    return this.#pending
  }

  /** The offset is committed. */
  acknowledge(offset: number): void {
    if (this.#pending !== offset) return
    this.#committed = offset
    this.#pending = null
    if (this.#objects[0]?.state !== 'completed') return
    this.#objects.shift()
    this.#leftover = 'none'
  }

  /** The outcome of the commit is unknown: its offset is returned again. */
  markUnknown(): void {
    this.#pending = null
  }

  /**
   * Gives up the objects that are not in the store. Returns the offset from which their records have to be read again. It is
   * never lower than an offset that the group may have committed: a later run could begin there and store the records twice.
   */
  rewind(): number {
    const head = this.#objects[0]
    this.#objects.length = 0
    this.#pending = null
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
