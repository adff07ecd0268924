import type { SourceOffset } from 'penstock/api'
import type { StreamPoint } from '../offsets/resume-point.ts'
import { firstVersion, versionAt } from '../offsets/row-version.ts'
import {
  commitOffset,
  messageOffset,
  partOf,
  rowOffset,
  withLatestCommit,
  withoutPart,
  withPart,
  type MessageType,
  type RowPosition,
} from '../offsets/source-offset.ts'
import type { WalLineage } from '../offsets/wal-lineage.ts'
import type { ChangeContext } from '../records/record-builder.ts'
import { SequenceText } from '../records/sequence-text.ts'
import type { SnapshotAhead } from '../snapshot/snapshot-ahead.ts'
import { CommitTimeCheck } from './commit-time-check.ts'
import type { Transaction, TransactionCursor } from './transaction-cursor.ts'

/** The start position of a stream. */
export interface StreamStart {
  readonly lineage: WalLineage
  readonly resume: StreamPoint
  /** The offset of the last change that was emitted completely. */
  readonly position: SourceOffset
  /** Where the server was asked to start: what was committed before is captured. */
  readonly slotLsn: number
  /** The advice on reading all tables again, for error messages. */
  readonly advice: string
  readonly ahead: SnapshotAhead
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

const noOrigin = { snapshot: 'false', sequence: '', lsn: 0, txId: null, micros: 0, version: 0n, ahead: null }

/** Builds the offset, position and version of each change of a stream. */
export class ChangeOffsets {
  readonly #lineage: WalLineage
  readonly #ahead: SnapshotAhead
  readonly #times: CommitTimeCheck
  readonly #sequence: SequenceText
  /** End of the last commit, for `source.sequence`; and the LSN before which everything is captured, for offsets. */
  #lastCommit: number | null
  #doneBefore: number | null
  /** Commit time of the last transaction; a non-transactional message has no time of its own. */
  #committedAt: number
  /** One object for all changes: the hot path allocates nothing for it. */
  readonly #context: Mutable<ChangeContext>
  /** The same for the argument of `rowOffset`. */
  readonly #row: Mutable<RowPosition> = { type: 'INSERT', lsn: 0, lsnCommit: null, txId: 0, micros: 0, nth: 0 }
  /** The offset before the changes that share the LSN of the current one. */
  #beforeLsn: SourceOffset
  /** The offset of the last change that was emitted completely. */
  position: SourceOffset

  constructor(start: StreamStart) {
    const { lineage, resume, position, advice, ahead } = start
    this.#lineage = lineage
    this.#beforeLsn = beforeLsnOf(start)
    this.#ahead = ahead
    this.#times = new CommitTimeCheck(position, advice)
    this.#sequence = new SequenceText(resume.lastCommit)
    this.#lastCommit = resume.lastCommit
    this.#doneBefore = resume.lastCommit
    this.#committedAt = Number(position['ts_usec'] ?? 0)
    this.position = position
    this.#context = { ...noOrigin, offset: position, offsetBefore: position }
  }

  /** Continues from an offset that was stored without a record: the end of the snapshot, of a transaction or of the WAL. */
  advance(position: SourceOffset, doneBefore: number | null): void {
    this.position = position
    if (doneBefore !== null && doneBefore > (this.#doneBefore ?? 0)) this.#doneBefore = doneBefore
  }

  /**
   * The offset to store for the change before the cursor's, which has the same LSN: it must not claim the changes that follow.
   * See {@link withPart}.
   */
  partOffset({ current, lsn, nth }: TransactionCursor): SourceOffset {
    return withPart(this.#beforeLsn, { txId: current.xid, lsn, nth: nth - 1 })
  }

  /** A change that the stored offset covers is emitted again: until it is, all of its transaction is. */
  rewind(): void {
    this.position = this.#beforeLsn
  }

  /** The first change with another LSN follows. */
  beginLsn(): void {
    this.#beforeLsn = this.position
  }

  /** Returns the latest commit time so far. @throws ConnectError PG_LOG_REPLACED */
  onCommit(transaction: Transaction, endLsn: number): number {
    const latest = this.#times.onCommit(transaction)
    this.#committedAt = transaction.micros
    this.#onEnd(endLsn)
    return latest
  }

  /** A transaction or non-transactional message ended there: everything before it was sent. */
  #onEnd(endLsn: number): void {
    if (endLsn > (this.#lastCommit ?? 0)) {
      this.#lastCommit = endLsn
      this.#sequence.onCommit(endLsn)
    }
    if (endLsn > (this.#doneBefore ?? 0)) this.#doneBefore = endLsn
  }

  /**
   * The context of the cursor's current change; valid until the next call.
   * @param lacksValues whether the change has unchanged TOAST values
   */
  context(type: MessageType, cursor: TransactionCursor, lacksValues: boolean): ChangeContext {
    const transaction = cursor.current
    const { lsn } = cursor
    const context = this.#context
    context.sequence = this.#sequence.at(lsn)
    context.lsn = lsn
    context.txId = transaction.xid
    context.micros = transaction.micros
    context.version = versionAt(transaction.firstVersion, transaction.index - 1)
    context.ahead = lacksValues ? this.#ahead.version : null
    context.offset = this.#offset(type, transaction, cursor)
    context.offsetBefore = this.position
    return context
  }

  #offset(type: MessageType, transaction: Transaction, { lsn, nth }: TransactionCursor): SourceOffset {
    const row = this.#row
    row.type = type
    row.lsn = lsn
    row.lsnCommit = this.#doneBefore
    row.txId = transaction.xid
    row.micros = transaction.micros
    row.nth = nth
    const offset = rowOffset(row, this.#lineage)
    return this.#ahead.mark(withLatestCommit(offset, transaction.micros, this.#times.latestWith(transaction)))
  }

  /** The context of a non-transactional message, which completes everything before it, as a commit does. */
  messageContext(lsn: number): ChangeContext {
    this.#onEnd(lsn)
    const micros = this.#committedAt
    this.#ahead.reach(lsn)
    const plain = withLatestCommit(messageOffset(lsn, micros, this.#lineage), micros, this.#times.latest)
    return {
      ...noOrigin,
      sequence: this.#sequence.at(lsn),
      lsn,
      micros,
      version: firstVersion(this.#lineage.epoch, lsn),
      offset: this.#ahead.mark(plain),
      offsetBefore: this.position,
    }
  }
}

/**
 * The offset before the changes that share the LSN at which a stream starts, if it starts between them. Debezium does not
 * store that offset: then it is the start of their transaction.
 */
function beforeLsnOf({ position, resume, lineage, slotLsn }: StreamStart): SourceOffset {
  if (partOf(position) !== null) return withoutPart(position)
  if (resume.open.length === 0) return position
  const { lsn_events_processed: _nth, ...rest } = position
  return { ...rest, ...commitOffset(resume.lastCommit ?? slotLsn, null, Number(position['ts_usec'] ?? 0), lineage) }
}
