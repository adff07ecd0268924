import type { Logger } from '../logging/logger.ts'

/** Told when a condition is raised or changes its text, and with null when it is over. */
export type ConditionListener = (code: string, message: string | null) => void

/** What a person has to know of something that runs: each condition stands under its code until it is withdrawn. */
export class Conditions {
  readonly #logger: Logger
  readonly #onChange: ConditionListener
  readonly #standing = new Map<string, string>()

  constructor(logger: Logger, onChange: ConditionListener = () => undefined) {
    this.#logger = logger
    this.#onChange = onChange
  }

  /** What stands, by code. */
  get standing(): ReadonlyMap<string, string> {
    return this.#standing
  }

  /** The same text again does nothing. */
  raise(code: string, message: string): void {
    if (this.#standing.get(code) === message) return
    this.#standing.set(code, message)
    this.#logger.error(`${code}: ${message}`)
    this.#onChange(code, message)
  }

  withdraw(code: string): void {
    if (!this.#standing.delete(code)) return
    this.#logger.warn(`${code} is over`)
    this.#onChange(code, null)
  }
}
