import { ConnectError, type SourceOffset } from 'penstock/api'
import { formatLsn } from '../offsets/lsn.ts'
import { latestCommitMicros } from '../offsets/source-offset.ts'

/** The commit of a transaction. */
export interface TimedTransaction {
  readonly finalLsn: number
  /** Microseconds of the epoch. */
  readonly micros: number
  /** Whether it lies before the stored offset. */
  readonly skipped: boolean
  /** Whether the server applied it from another server; it then has the commit time of its origin. */
  readonly isForeign: boolean
}

/** Commits are ordered by LSN. Their times are ordered too, except when the clock is set back by up to this. */
const clockMicros = 300_000_000

/**
 * Detects a server that was started from a copy of its data directory without recovery. Such a server stays on its
 * timeline, and once its WAL has grown past the stored offset, only commit times show that it is not the captured WAL: a
 * transaction before the stored offset was captured, so it cannot be later than the latest captured commit. The copied
 * slot is at its old position, so these transactions are sent. Transactions that the server applied from another server
 * are ignored, because they have the commit times of their origin.
 */
export class CommitTimeCheck {
  readonly #storedMicros: number
  readonly #advice: string
  #latest: number

  constructor(offset: SourceOffset, advice: string) {
    const micros = latestCommitMicros(offset)
    this.#storedMicros = micros ?? Number.POSITIVE_INFINITY
    this.#latest = micros ?? 0
    this.#advice = advice
  }

  /** The latest commit of the server's own transactions so far, in microseconds of the epoch. */
  get latest(): number {
    return this.#latest
  }

  /** The latest commit including this transaction. */
  latestWith({ micros, isForeign }: TimedTransaction): number {
    return isForeign ? this.#latest : Math.max(this.#latest, micros)
  }

  /** @throws ConnectError PG_LOG_REPLACED */
  onCommit(transaction: TimedTransaction): number {
    const { finalLsn, micros, skipped, isForeign } = transaction
    if (!skipped) this.#latest = this.latestWith(transaction)
    if (!skipped || isForeign || micros <= this.#storedMicros + clockMicros) return this.#latest
    const time = (at: number): string => new Date(at / 1000).toISOString()
    throw new ConnectError(
      `the transaction at ${formatLsn(finalLsn)} was committed at ${time(micros)} but lies before the stored offset, up ` +
        `to which everything was captured by ${time(this.#storedMicros)}: the server was started from a copy of its data directory ` +
        `without recovery, so its WAL is no longer the captured one. ${this.#advice}`,
      { code: 'PG_LOG_REPLACED' },
    )
  }
}
