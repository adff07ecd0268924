import { PacedCondition, type PacedConditionOptions } from './paced-condition.ts'

export interface SkippedRecordsOptions extends PacedConditionOptions {
  /** What becomes of the records: `skipped`. */
  readonly outcome: string
}

/**
 * Tells an operator in a condition how many records failed and were tolerated, and why the last one failed. It stands until the task ends; a
 * restart acknowledges it.
 */
export class SkippedRecords {
  readonly #outcome: string
  readonly #since: string
  readonly #condition: PacedCondition
  #count = 0
  #last = ''

  constructor(options: SkippedRecordsOptions) {
    this.#outcome = options.outcome
    this.#since = new Date(options.clock.now()).toISOString()
    this.#condition = new PacedCondition('ERRANT_RECORDS', options)
  }

  /** @param explanation the record and why it failed */
  add(explanation: string): void {
    this.#count += 1
    this.#last = explanation
    this.#condition.show(() => this.#text())
  }

  /** The condition does not change any more. */
  close(): void {
    this.#condition.close()
  }

  #text(): string {
    const records = this.#count === 1 ? '1 record was' : `${this.#count} records were`
    return (
      `${records} ${this.#outcome} since ${this.#since} (errors.tolerance=all). The last one: ${this.#last}. ` +
      'To acknowledge this, restart the task'
    )
  }
}
