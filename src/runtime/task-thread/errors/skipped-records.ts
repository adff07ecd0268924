import type { TaskContext } from '../../../api/task.ts'
import type { Clock } from '../../../foundation/clock.ts'

export interface SkippedRecordsOptions {
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
  /** What becomes of the records: `skipped`. */
  readonly outcome: string
}

const code = 'ERRANT_RECORDS'
/** The text of the condition is a write to the status topic, so it changes at most this often. Milliseconds. */
const shownEveryMs = 10_000

/**
 * Tells an operator in a condition how many records failed and were tolerated, and why the last one failed. It stands until the task ends; a
 * restart acknowledges it.
 */
export class SkippedRecords {
  readonly #options: SkippedRecordsOptions
  readonly #since: string
  #count = 0
  #last = ''
  #cancel: (() => void) | null = null

  constructor(options: SkippedRecordsOptions) {
    this.#options = options
    this.#since = new Date(options.clock.now()).toISOString()
  }

  /** @param explanation the record and why it failed */
  add(explanation: string): void {
    this.#count += 1
    this.#last = explanation
    if (this.#cancel !== null) return
    this.#show()
    this.#wait(1)
  }

  /** The condition does not change any more. */
  close(): void {
    this.#cancel?.()
  }

  #wait(shown: number): void {
    const { clock } = this.#options
    this.#cancel = clock.after(shownEveryMs, () => {
      this.#cancel = null
      if (this.#count === shown) return
      this.#show()
      this.#wait(this.#count)
    })
  }

  #show(): void {
    const records = this.#count === 1 ? '1 record was' : `${this.#count} records were`
    const { setCondition, outcome } = this.#options
    setCondition(
      code,
      `${records} ${outcome} since ${this.#since} (errors.tolerance=all). The last one: ${this.#last}. ` +
        'To acknowledge this, restart the task',
    )
  }
}
