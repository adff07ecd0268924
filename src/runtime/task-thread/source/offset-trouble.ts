import { errorMessage } from '../../../foundation/error-message.ts'
import type { TaskContext } from '../../../api/task.ts'
import { shownAfterMs } from '../../../client/log-trouble.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { Counter } from '../../../foundation/metrics/metrics.ts'

const code = 'OFFSETS_NOT_STORED'
const silent = 'the broker has not responded yet'

export interface OffsetTroubleOptions {
  /** The name of the offset topic, for the text. */
  readonly topic: string
  readonly setCondition: TaskContext['setCondition']
  /** Counts failed attempts. */
  readonly failures: Counter
  readonly clock: Clock
}

/**
 * Shows in the status that a source's offsets are not stored: since when, why, and after how many failed attempts. Each
 * new text is a write to the status topic, so the count is shown at 1, 10, 100 and so on; the metric has the exact count.
 */
export class OffsetTrouble {
  readonly #options: OffsetTroubleOptions
  /** When the first write that is not stored started. Milliseconds of the epoch. */
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

  /** An attempt failed. */
  failed(error: unknown): void {
    if (this.#since === null) return
    this.#failures += 1
    this.#options.failures.add(1)
    const isFirst = this.#failures === 1
    if (isFirst) this.#reason = errorMessage(error).replace(/\.$/, '')
    if (this.#isShown && isPowerOfTen(this.#failures)) this.#show()
  }

  /** All offsets are stored. */
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
    const tries =
      this.#failures < 10 ? '' : ` (${10 ** Math.floor(Math.log10(this.#failures))} attempts failed, or more)`
    setCondition(
      code,
      `the offsets of this source have not been stored in topic ${topic} since ${since}: ${this.#reason}${tries}. Its records are ` +
        'written if the broker accepts them; after a restart, those since then are written a second time. Storing the offsets is retried automatically',
    )
  }
}

function isPowerOfTen(count: number): boolean {
  return 10 ** Math.round(Math.log10(count)) === count
}
