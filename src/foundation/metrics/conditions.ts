import type { Logger } from '../logging/logger.ts'

/** Receives the text of a condition when it is raised or changes, and null when it ends. */
export type ConditionListener = (code: string, message: string | null) => void

/** Problems of a running component that an operator should know about. Each is raised under a code and lasts until it is withdrawn. */
export class Conditions {
  readonly #logger: Logger
  readonly #onChange: ConditionListener
  readonly #standing = new Map<string, string>()

  constructor(logger: Logger, onChange: ConditionListener = () => undefined) {
    this.#logger = logger
    this.#onChange = onChange
  }

  /** The messages of the current conditions by code. */
  get standing(): ReadonlyMap<string, string> {
    return this.#standing
  }

  /** Raises a condition or changes its text. Does nothing if the text is the same. */
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
