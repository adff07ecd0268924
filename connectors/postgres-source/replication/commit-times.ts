import { ConnectError, type SourceOffset } from 'penstock/api'
import { formatLsn } from '../offsets/lsn.ts'
import { committedMicros } from '../offsets/offset.ts'

/** What is known of a transaction. */
export interface TimedTransaction {
  readonly finalLsn: number
  /** Microseconds of the epoch. */
  readonly micros: number
  /** Before the stored offset. */
  readonly skipped: boolean
  /** Applied from another server, whose time it has. */
  readonly isForeign: boolean
}

/** Commits come in the order of their positions, and of their times but for what a clock is set back. */
const clockMicros = 300_000_000

/**
 * When the transactions of the log were committed. Those before the stored offset were captured, and so they are not
 * younger than the latest of them. A copy of the data folder that was started without recovery is on the same timeline,
 * and when its log has grown past the stored position only this tells that it is not the log that was captured. The slot,
 * which was copied too, stands where it stood in the copy: what was written since is sent. Transactions that the server
 * applied from another one say nothing: they have the times of that one.
 */
export class CommitTimes {
  readonly #storedMicros: number
  readonly #advice: string
  #latest: number

  constructor(offset: SourceOffset, advice: string) {
    const micros = committedMicros(offset)
    this.#storedMicros = micros ?? Number.POSITIVE_INFINITY
    this.#latest = micros ?? 0
    this.#advice = advice
  }

  /** The latest commit of the server's own so far, in microseconds of the epoch. */
  get latest(): number {
    return this.#latest
  }

  /** The same with this transaction. */
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
      `the transaction at ${formatLsn(finalLsn)} committed at ${time(micros)}, and lies before the stored offset, up ` +
        `to which everything was captured by ${time(this.#storedMicros)}: the server was restored from a copy without ` +
        `recovery, and its log is another since. ${this.#advice}`,
      { code: 'PG_LOG_REPLACED' },
    )
  }
}
