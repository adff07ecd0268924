import { ConnectError } from 'penstock/api'

import type { StoredValue } from '../format/record-format.ts'

/** The records of an object, taken as many at a time as the caller wants. */
export class RecordStream {
  readonly #source: AsyncGenerator<readonly StoredValue[]>
  #batch: readonly StoredValue[] = []
  #next = 0
  /** Why there are no more records; thrown when those before it are taken. */
  #failure: Error | null = null

  constructor(source: AsyncGenerator<readonly StoredValue[]>) {
    this.#source = source
  }

  /** Returns up to so many records; none only at the end. @throws what the object is damaged by, behind the records before it */
  async take(count: number): Promise<readonly StoredValue[]> {
    if (await this.isAtEnd()) return []
    if (this.#failure !== null) throw this.#failure
    const taken = this.#batch.slice(this.#next, this.#next + count)
    this.#next += taken.length
    return taken
  }

  /** Returns so many records; fewer only at the end. */
  async takeAll(count: number): Promise<readonly StoredValue[]> {
    const taken: StoredValue[] = []
    while (taken.length < count) {
      const more = await this.take(count - taken.length)
      if (more.length === 0) break
      taken.push(...more)
    }
    return taken
  }

  /** Returns whether all records are taken, and there is no failure behind them. */
  async isAtEnd(): Promise<boolean> {
    while (this.#next === this.#batch.length && this.#failure === null) {
      try {
        const next = await this.#source.next()
        if (next.done === true) return true
        this.#batch = next.value
        this.#next = 0
      } catch (error) {
        this.#failure = error instanceof Error ? error : new ConnectError(String(error))
      }
    }
    return false
  }

  async close(): Promise<void> {
    await this.#source.return(undefined)
  }
}
