import type { TaskContext } from '../../../api/task.ts'
import type { Clock } from '../../../foundation/clock.ts'

export interface PacedConditionOptions {
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
}

/** The text of a condition is a write to the status topic, so it changes at most this often. Milliseconds. */
const shownEveryMs = 10_000

/** A condition whose text changes often. It shows its first text, and then the latest one from time to time. */
export class PacedCondition {
  readonly #options: PacedConditionOptions
  readonly #code: string
  #next: (() => string | null) | null = null
  #cancel: (() => void) | null = null

  constructor(code: string, options: PacedConditionOptions) {
    this.#code = code
    this.#options = options
  }

  /** @param text is called when it is shown; null withdraws the condition */
  show(text: () => string | null): void {
    this.#next = text
    if (this.#cancel === null) this.#showNext()
  }

  /** The condition does not change any more. */
  close(): void {
    this.#cancel?.()
  }

  #showNext(): void {
    this.#cancel = null
    const text = this.#next
    if (text === null) return
    this.#next = null
    this.#options.setCondition(this.#code, text())
    this.#cancel = this.#options.clock.after(shownEveryMs, () => this.#showNext())
  }
}
