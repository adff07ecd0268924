import { DataError } from 'penstock/api'

/** The work that one evaluation may do: a character made, or a state of a regular expression visited, is one. */
const limit = 4_000_000

/** Counts the work of one evaluation, so that none takes long or much memory. */
export class Budget {
  #left = limit

  /** Begins an evaluation. */
  renew(): void {
    this.#left = limit
  }

  /** The work that has been spent since {@link renew}. */
  get spent(): number {
    return limit - this.#left
  }

  /** @throws DataError if the evaluation has done too much */
  spend(work: number): void {
    this.#left -= work
    if (this.#left < 0)
      throw new DataError(
        `the expression exceeds its budget of ${limit} steps; simplify it, or shorten the values that it reads`,
      )
  }
}
