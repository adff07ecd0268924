import { ConnectError, type SourceOffset } from 'penstock/api'
import { formatLsn } from './lsn.ts'
import { committedMicros } from './offset.ts'
import type { Begin } from './pgoutput.ts'

/** Commits come in the order of their positions, and of their times but for what a clock is set back. */
const clockMicros = 300_000_000

/**
 * What a stored offset says of the log before it: its transactions were captured, and so they are not younger than the last of
 * them. A copy of the data folder that was started without recovery is on the same timeline, and when its log has
 * grown past the stored position only this tells that it is not the log that was captured. The slot, which was copied too,
 * stands where it stood in the copy: what was written since is sent.
 */
export class StoredPast {
  readonly #lastMicros: number
  readonly #advice: string

  constructor(offset: SourceOffset, advice: string) {
    this.#lastMicros = committedMicros(offset) ?? Number.POSITIVE_INFINITY
    this.#advice = advice
  }

  /** @param begin a transaction before the stored position. @throws ConnectError PG_LOG_REPLACED */
  check(begin: Begin): void {
    if (begin.micros <= this.#lastMicros + clockMicros) return
    const time = (micros: number): string => new Date(micros / 1000).toISOString()
    throw new ConnectError(
      `the transaction at ${formatLsn(begin.finalLsn)} committed at ${time(begin.micros)}, and lies before the stored offset, up ` +
        `to which everything was captured by ${time(this.#lastMicros)}: the server was restored from a copy without ` +
        `recovery, and its log is another since. ${this.#advice}`,
      { code: 'PG_LOG_REPLACED' },
    )
  }
}
