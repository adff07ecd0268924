import { DataError } from 'penstock/api'
import type { OpenTransaction, StreamPoint } from '../offsets/resume-point.ts'
import { firstVersion } from '../offsets/row-version.ts'
import type { Begin } from './pgoutput.ts'

/** A transaction of the stream. */
export interface Transaction extends Begin {
  /** Whether it was committed before the resume point: nothing of it is emitted. */
  readonly skipped: boolean
  /** The last change that was emitted before a restart; null when none was. */
  readonly emittedUpTo: Omit<OpenTransaction, 'txId'> | null
  /** Number of changes read so far, including skipped ones, so that row versions are the same after a restart. */
  index: number
  readonly firstVersion: bigint
  /** Whether the server applied it from another server; it then has the commit time of its origin. */
  isForeign: boolean
}

/** The position inside the current transaction. Finds the changes that were emitted before a restart (I2, I12). */
export class TransactionCursor {
  readonly #epoch: number
  #resume: StreamPoint
  #transaction: Transaction | null = null
  #lsn = 0
  #nth = 0
  #previousLsn = 0
  #previousNth = 0

  constructor(resume: StreamPoint, epoch: number) {
    this.#resume = resume
    this.#epoch = epoch
  }

  get isOpen(): boolean {
    return this.#transaction !== null
  }

  /** Everything that was committed before this LSN is captured. */
  get skipBefore(): number {
    return this.#resume.skipBefore
  }

  /** The LSN of the current change. */
  get lsn(): number {
    return this.#lsn
  }

  /** The number of the current change among those with its LSN. */
  get nth(): number {
    return this.#nth
  }

  begin(begin: Begin): void {
    const skipped = begin.finalLsn < this.#resume.skipBefore
    const version = firstVersion(this.#epoch, begin.finalLsn)
    const emittedUpTo = skipped ? null : this.#resumed(begin.xid)
    this.#transaction = { ...begin, skipped, emittedUpTo, index: 0, firstVersion: version, isForeign: false }
    this.#lsn = 0
  }

  /** What was captured of a transaction: by the last of its positions, which follow each other. */
  #resumed(xid: number): OpenTransaction | null {
    const { open } = this.#resume
    if (open.length === 0) return null
    const found = open.findLastIndex(({ txId }) => txId === null || txId === xid)
    if (found >= 0) this.#resume = { ...this.#resume, open: open.slice(found + 1) }
    return open[found] ?? null
  }

  /** The current transaction. @throws DataError when there is none */
  get current(): Transaction {
    if (this.#transaction === null) throw new DataError('a change arrived outside a transaction')
    return this.#transaction
  }

  onOrigin(): void {
    if (this.#transaction !== null) this.#transaction.isForeign = true
  }

  onCommit(): void {
    this.#transaction = null
  }

  /** Counts a change. Returns false when it was emitted before a restart. */
  count(lsn: number): boolean {
    const transaction = this.current
    this.#previousLsn = this.#lsn
    this.#previousNth = this.#nth
    this.#nth = lsn === this.#lsn ? this.#nth + 1 : 1
    this.#lsn = lsn
    transaction.index += 1
    if (transaction.skipped) return false
    const { emittedUpTo } = transaction
    return emittedUpTo === null || lsn > emittedUpTo.lsn || (lsn === emittedUpTo.lsn && this.#nth > emittedUpTo.nth)
  }

  /** Whether the current change is one of which perhaps only the first records were emitted. */
  get mayBePart(): boolean {
    const { emittedUpTo } = this.current
    return (
      emittedUpTo !== null && emittedUpTo.mayBePart && emittedUpTo.lsn === this.#lsn && emittedUpTo.nth === this.#nth
    )
  }

  /** Undoes the last {@link count}: the message will be passed again. */
  uncount(): void {
    this.current.index -= 1
    this.#lsn = this.#previousLsn
    this.#nth = this.#previousNth
  }
}
