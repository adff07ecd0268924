import type { Clock, SourceOffset } from 'penstock/api'
import type { SnapshotAhead } from '../snapshot/snapshot-ahead.ts'
import { confirmableLsn, lastCapturedLsn } from './resume-point.ts'
import { commitOffset, latestCommitMicros, withLatestCommit } from './source-offset.ts'
import { unknownLineage, type WalLineage } from './wal-lineage.ts'

/** A transaction that was read completely. */
export interface CommittedTransaction {
  readonly endLsn: number
  readonly xid: number
  /** Commit time in microseconds of the epoch. */
  readonly micros: number
  /** The latest commit of the server's own transactions up to here, in microseconds of the epoch. */
  readonly latest: number
  /** Number of its changes; 0 when it was skipped. */
  readonly changes: number
}

/** Stores an offset without a record. Called only when no record is in flight (I2). */
export type StoreOffset = (offset: SourceOffset) => void

/** Transactions follow each other quickly: storing the end of each one would double the number of offsets. */
const transactionRestMs = 1_000

/**
 * Tracks the emitted and the durable offset, and thereby how far the slot may be confirmed (I1, I2): up to the
 * `lsn_commit` of the stored offset and never past it, so that a slot ahead of its stored offset always means data loss. A
 * row's offset holds the end of the commit before it. When no record is in flight, the end of the last transaction, or the
 * end of the WAL when it held nothing for this connector, is stored as an offset without a record.
 */
export class OffsetTracker {
  readonly #clock: Clock
  readonly #store: StoreOffset | null
  readonly #idleRestMs: number
  readonly #ahead: SnapshotAhead
  #lineage: WalLineage = unknownLineage
  #emitted: SourceOffset | null = null
  #durable: SourceOffset | null = null
  #confirmableLsn = 0
  #startLsn = 0
  #lastTransaction: CommittedTransaction | null = null
  #lastStore: number
  #cancel: (() => void) | null = null

  /** @param idleRestMs the least time between two offsets while the WAL holds no changes */
  constructor(clock: Clock, store: StoreOffset | null, idleRestMs: number, ahead: SnapshotAhead) {
    this.#clock = clock
    this.#store = store
    this.#idleRestMs = idleRestMs
    this.#ahead = ahead
    this.#lastStore = clock.monotonic()
  }

  /**
   * @param startLsn where the server is asked to start
   * @param at `emitted`: where reading continues. `durable`: the stored offset, at or before `emitted`
   */
  begin(
    lineage: WalLineage,
    startLsn: number,
    { emitted, durable }: { readonly emitted: SourceOffset | null; readonly durable: SourceOffset | null },
  ): void {
    this.#lineage = lineage
    this.#startLsn = startLsn
    this.#emitted = emitted
    this.#durable = durable
    this.#confirmableLsn = durable === null ? 0 : (confirmableLsn(durable) ?? 0)
  }

  /** The last emitted offset. */
  get emitted(): SourceOffset | null {
    return this.#emitted
  }

  get durable(): SourceOffset | null {
    return this.#durable
  }

  /** Everything before this LSN is durable. */
  get confirmableLsn(): number {
    return this.#confirmableLsn
  }

  /** Whether everything emitted is durable. */
  get isSettled(): boolean {
    return this.#emitted === null || sameOffset(this.#emitted, this.#durable)
  }

  onEmitted(offset: SourceOffset | null): void {
    this.#emitted = offset
  }

  onDurable(offset: SourceOffset): void {
    this.#durable = offset
    this.#confirmableLsn = Math.max(this.#confirmableLsn, confirmableLsn(offset) ?? 0)
  }

  /** The offset of the current read position: the end of the last transaction, or the last emitted offset. */
  current(inTransaction: boolean): SourceOffset | null {
    const last = this.#lastTransaction
    if (inTransaction || last === null) return this.#emitted
    const known = this.#emitted === null ? 0 : (confirmableLsn(this.#emitted) ?? 0)
    return last.endLsn <= known ? this.#emitted : this.#endOf(last, last.endLsn)
  }

  onTransaction(transaction: CommittedTransaction): void {
    this.#lastTransaction = transaction
  }

  /**
   * Stores the end of the last transaction, if everything is durable and it lies past the stored offset. Returns the
   * stored offset, or null. If it is too early, `retry` is called in time.
   */
  storeTransaction(retry: () => void): SourceOffset | null {
    const transaction = this.#lastTransaction
    if (transaction === null || transaction.endLsn <= this.#captured || !this.isSettled) return null
    const wait = this.#lastStore + transactionRestMs - this.#clock.monotonic()
    if (wait <= 0) return this.#storeOffset(transaction.endLsn)
    this.#cancel ??= this.#clock.after(wait, () => {
      this.#cancel = null
      retry()
    })
    return null
  }

  /** Does the same for the end of the WAL from a keepalive; immediately when the server waits for it. */
  storeWalEnd(walEnd: number, awaited: boolean): SourceOffset | null {
    if (walEnd <= this.#captured || !this.isSettled) return null
    if (!awaited && this.#clock.monotonic() - this.#lastStore < this.#idleRestMs) return null
    return this.#storeOffset(walEnd)
  }

  /** Stores `offset` unchanged: the end of a snapshot without rows. */
  store(offset: SourceOffset): void {
    if (this.#store === null) return
    this.#lastStore = this.#clock.monotonic()
    this.#emitted = offset
    this.#store(offset)
  }

  stop(): void {
    this.#cancel?.()
  }

  /**
   * No offset before this LSN is stored. A walsender that starts reads the WAL from the slot's `restart_lsn`, which may be far
   * before the position that it was asked for, and its keepalives report where it reads.
   */
  get #captured(): number {
    const emitted = this.#emitted === null ? null : lastCapturedLsn(this.#emitted)
    return Math.max(this.#startLsn, this.#confirmableLsn, emitted ?? 0)
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
    // Never before a captured transaction: this clock may be behind the server's.
    const before = this.#emitted === null ? 0 : (latestCommitMicros(this.#emitted) ?? 0)
    const micros = Math.max(before, Math.floor(this.#clock.now() * 1000))
    const offset = this.#ahead.mark(commitOffset(lsn, null, micros, this.#lineage))
    this.store(offset)
    return offset
  }

  #endOf({ xid, micros, latest }: CommittedTransaction, lsn: number): SourceOffset {
    return this.#ahead.mark(withLatestCommit(commitOffset(lsn, xid, micros, this.#lineage), micros, latest))
  }
}

const identifying = [
  'lsn',
  'lsn_commit',
  'lsn_events_processed',
  'messageType',
  'snapshot_completed',
  'penstock_part',
] as const

/** Returns whether two offsets mean the same position. Loaded numbers may be bigints. */
export function sameOffset(a: SourceOffset, b: SourceOffset | null): boolean {
  return b !== null && identifying.every((key) => String(a[key] ?? '') === String(b[key] ?? ''))
}
