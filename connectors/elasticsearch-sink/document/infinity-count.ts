import type { Counter, Logger } from 'penstock/api'

// The most fields of one document that are counted, and the most names that are logged.
const maxNames = 1000

/** Counts the infinities that were written as null, and names each field once. */
export class InfinityCount {
  readonly #counter: Counter
  readonly #logger: Logger
  readonly #named = new Set<string>()
  #fields: string[] = []

  constructor(counter: Counter, logger: Logger) {
    this.#counter = counter
    this.#logger = logger
  }

  /** The document that is being rendered contains an infinity. */
  readonly note = (field: string): void => {
    if (this.#fields.length < maxNames) this.#fields.push(field)
  }

  /** Counts the infinities of the document if it is written: a record can be rendered more than once. */
  settle(written: boolean): void {
    if (this.#fields.length === 0) return
    const fields = this.#fields
    this.#fields = []
    if (!written) return
    this.#counter.add(fields.length)
    for (const field of fields) {
      if (this.#named.has(field) || this.#named.size >= maxNames) continue
      this.#named.add(field)
      this.#logger.warn(
        `field '${field}' holds infinity or -infinity, which is no date to Elasticsearch: it is written as null. document.values=raw writes the source's value`,
      )
    }
  }
}
