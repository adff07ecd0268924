import type { Logger, TransformContext } from 'penstock/api'

/**
 * A line in the logs about something that happens to records. It is written for the first one, the tenth, the hundredth and so on, so
 * that a topic full of them does not fill the logs.
 */
export class CountedLine {
  readonly #write: ((message: string) => void) | null
  #count = 0
  #next = 1

  /** @param context absent while a config is validated: nothing is logged */
  constructor(context: TransformContext | undefined, level: 'warn' | 'error' = 'warn') {
    const logger: Logger | undefined = context?.logger
    this.#write = logger === undefined ? null : (message) => logger[level](message)
  }

  /** @param message without values of the record */
  add(message: string): void {
    this.#count += 1
    if (this.#count < this.#next) return
    this.#next *= 10
    this.#write?.(this.#count === 1 ? message : `${message} (${this.#count} records so far)`)
  }
}
