import { errorMessage } from '../../../foundation/error-message.ts'
import type { TaskContext } from '../../../api/task.ts'
import { shownAfterMs } from '../../../client/log-trouble.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { Counter } from '../../../foundation/metrics/metrics.ts'

const code = 'OFFSETS_NOT_STORED'
const silent = 'the log has not responded yet'

export interface OffsetTroubleOptions {
  /** The offset topic's name, for the text. */
  readonly topic: string
  readonly setCondition: TaskContext['setCondition']
  /** Counts tries that failed. */
  readonly failures: Counter
  readonly clock: Clock
}

/**
 * Shows in the status that a source's offsets are not stored: since when, why, and how many tries have failed. The count is
 * shown at 1, 10, 100 and so on, as each new text is a write to the status topic; the metric has all of it.
 */
export class OffsetTrouble {
  readonly #options: OffsetTroubleOptions
  /** When the first write began that is not stored. Milliseconds of the epoch. */
  #since: number | null = null
  #failures = 0
  #reason = silent
  #isShown = false
  #cancel: (() => void) | null = null

  constructor(options: OffsetTroubleOptions) {
    this.#options = options
  }

  /** Offsets are being written. */
  began(): void {
    if (this.#since !== null) return
    const { clock } = this.#options
    this.#since = clock.now()
    this.#cancel = clock.after(shownAfterMs, () => this.#show())
  }

  /** A try failed. */
  failed(error: unknown): void {
    if (this.#since === null) return
    this.#failures += 1
    this.#options.failures.add(1)
    const isFirst = this.#failures === 1
    if (isFirst) this.#reason = errorMessage(error).replace(/\.$/, '')
    if (this.#isShown && isPowerOfTen(this.#failures)) this.#show()
  }

  /** All of them are stored. */
  over(): void {
    this.close()
    if (this.#isShown) this.#options.setCondition(code, null)
    this.#isShown = false
    this.#since = null
    this.#failures = 0
    this.#reason = silent
  }

  /** The task ends. */
  close(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #show(): void {
    const { topic, setCondition } = this.#options
    this.#isShown = true
    const since = new Date(this.#since ?? 0).toISOString()
    const tries = this.#failures < 10 ? '' : ` (${10 ** Math.floor(Math.log10(this.#failures))} tries failed, or more)`
    setCondition(
      code,
      `the offsets of this source have not been stored in topic ${topic} since ${since}: ${this.#reason}${tries}. Its records are ` +
        'written as far as the log takes them; after a restart, those since then are written a second time. It continues by itself',
    )
  }
}

function isPowerOfTen(count: number): boolean {
  return 10 ** Math.round(Math.log10(count)) === count
}
