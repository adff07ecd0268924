import type { Clock, SourceOffset } from 'penstock/api'
import { noLine, type Line } from './line.ts'
import type { SnapshotAhead } from '../snapshot/snapshot-ahead.ts'
import { commitOffset, committedMicros, confirmable, withLatest } from './offset.ts'

/** A transaction that was read to its end. */
export interface CommittedTransaction {
  readonly endLsn: number
  readonly xid: number
  /** Microseconds of the epoch. */
  readonly micros: number
  /** Of the latest commit of the server's own up to here. */
  readonly latest: number
  /** How many changes it had; 0 when it was passed over. */
  readonly changes: number
}

/** Stores an offset that belongs to no record. Only called with nothing in flight. */
export type StoreOffset = (offset: SourceOffset) => void

/** Single transactions come with little rest: storing each one's end would double the offsets written. */
const transactionRestMs = 1_000

/**
 * What was emitted, what of it is durable, and so how far the slot may be confirmed (I2): up to the `lsn_commit` of the
 * stored offset, never past it, so that a slot ahead of its stored offset always means a loss. A row's offset names
 * the commit before it; when nothing is in flight, the end of the last transaction, or the end of the log when there
 * was nothing in it for this connector, is stored as an offset of its own.
 */
export class Progress {
  readonly #clock: Clock
  readonly #store: StoreOffset | null
  readonly #idleRestMs: number
  readonly #ahead: SnapshotAhead
  #line: Line = noLine
  #emitted: SourceOffset | null = null
  #durable: SourceOffset | null = null
  #confirmable = 0
  #lastTransaction: CommittedTransaction | null = null
  #lastStore: number
  #cancel: (() => void) | null = null

  /** @param idleRestMs the least time between two offsets of a log without changes. */
  constructor(clock: Clock, store: StoreOffset | null, idleRestMs: number, ahead: SnapshotAhead) {
    this.#clock = clock
    this.#store = store
    this.#idleRestMs = idleRestMs
    this.#ahead = ahead
    this.#lastStore = clock.monotonic()
  }

  /** @param emitted where reading goes on; `durable` the stored offset, which lies at or before it. */
  begin(line: Line, emitted: SourceOffset | null, durable: SourceOffset | null): void {
    this.#line = line
    this.#emitted = emitted
    this.#durable = durable
    this.#confirmable = durable === null ? 0 : (confirmable(durable) ?? 0)
  }

  /** The last offset given out. */
  get emitted(): SourceOffset | null {
    return this.#emitted
  }

  get durable(): SourceOffset | null {
    return this.#durable
  }

  /** Everything before this position is durable. */
  get confirmable(): number {
    return this.#confirmable
  }

  /** Whether all that was emitted is durable. */
  get isSettled(): boolean {
    return this.#emitted === null || sameOffset(this.#emitted, this.#durable)
  }

  onEmitted(offset: SourceOffset | null): void {
    this.#emitted = offset
  }

  onDurable(offset: SourceOffset): void {
    this.#durable = offset
    this.#confirmable = Math.max(this.#confirmable, confirmable(offset) ?? 0)
  }

  /** The offset of what was read to here: the end of the last transaction, or what was emitted after it. */
  current(inTransaction: boolean): SourceOffset | null {
    const last = this.#lastTransaction
    if (inTransaction || last === null) return this.#emitted
    const known = this.#emitted === null ? 0 : (confirmable(this.#emitted) ?? 0)
    return last.endLsn <= known ? this.#emitted : this.#endOf(last, last.endLsn)
  }

  onTransaction(transaction: CommittedTransaction): void {
    this.#lastTransaction = transaction
  }

  /**
   * The offset to store for the last transaction, when everything is settled and it says more than the stored one;
   * null when there is none. Too early: `retry` is called when it is time.
   */
  storeTransaction(retry: () => void): SourceOffset | null {
    const transaction = this.#lastTransaction
    if (transaction === null || transaction.endLsn <= this.#confirmable || !this.isSettled) return null
    const wait = this.#lastStore + transactionRestMs - this.#clock.monotonic()
    if (wait <= 0) return this.#storeOffset(transaction.endLsn)
    this.#cancel ??= this.#clock.after(wait, () => {
      this.#cancel = null
      retry()
    })
    return null
  }

  /** The same for the end of the log, which the server sent in a keepalive; at once when the server waits for it. */
  storeLogEnd(walEnd: number, awaited: boolean): SourceOffset | null {
    if (walEnd <= this.#confirmable || !this.isSettled) return null
    if (!awaited && this.#clock.monotonic() - this.#lastStore < this.#idleRestMs) return null
    return this.#storeOffset(walEnd)
  }

  /** Stores `offset` as it is: the end of a snapshot without rows. */
  store(offset: SourceOffset): void {
    if (this.#store === null) return
    this.#lastStore = this.#clock.monotonic()
    this.#emitted = offset
    this.#store(offset)
  }

  stop(): void {
    this.#cancel?.()
  }

  #storeOffset(lsn: number): SourceOffset | null {
    if (this.#store === null) return null
    this.#ahead.reach(lsn)
    const last = this.#lastTransaction
    if (last !== null) {
      const end = this.#endOf(last, lsn)
      this.store(end)
      return end
    }
    // Never before a transaction that was captured: the clock may be behind the server's.
    const before = this.#emitted === null ? 0 : (committedMicros(this.#emitted) ?? 0)
    const micros = Math.max(before, Math.floor(this.#clock.now() * 1000))
    const offset = this.#ahead.mark(commitOffset(lsn, null, micros, this.#line))
    this.store(offset)
    return offset
  }

  #endOf({ xid, micros, latest }: CommittedTransaction, lsn: number): SourceOffset {
    return this.#ahead.mark(withLatest(commitOffset(lsn, xid, micros, this.#line), micros, latest))
  }
}

const identifying = ['lsn', 'lsn_commit', 'lsn_events_processed', 'messageType', 'snapshot_completed'] as const

/** Whether two offsets name the same place. Numbers may come back as bigint. */
export function sameOffset(a: SourceOffset, b: SourceOffset | null): boolean {
  return b !== null && identifying.every((key) => String(a[key] ?? '') === String(b[key] ?? ''))
}
