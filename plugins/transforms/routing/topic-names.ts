import { DataError, errorMessage, javaRegExp } from 'penstock/api'

import { javaReplacement } from './java-replacement.ts'

/** Names that a regular expression and its replacement make of names. There are few of them, so each is computed once. */
export class TopicNames {
  readonly #regex: RegExp
  readonly #replacement: string
  readonly #transform: string
  readonly #size: number
  readonly #names = new Map<string, string | null>()

  /** @param size the number of names that are kept. @throws SyntaxError if the regular expression is invalid. */
  constructor(regex: string, replacement: string, transform: string, size = 10_000) {
    this.#regex = javaRegExp(regex, { whole: true })
    this.#replacement = replacement
    this.#transform = transform
    this.#size = size
  }

  /** Returns the new name; the given one if it does not match. @throws DataError if the replacement names no group. */
  of(name: string): string {
    return this.matching(name) ?? name
  }

  /** Returns the new name; null if the given one does not match. @throws DataError if the replacement names no group. */
  matching(name: string): string | null {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const match = this.#regex.exec(name)
    const made = match === null ? null : this.#replace(match, name)
    if (this.#names.size >= this.#size) this.#names.clear()
    this.#names.set(name, made)
    return made
  }

  #replace(match: RegExpExecArray, name: string): string {
    try {
      return javaReplacement(match, this.#replacement)
    } catch (cause) {
      const why = errorMessage(cause)
      throw new DataError(`${this.#transform} cannot rename topic ${name} to "${this.#replacement}": ${why}`, { cause })
    }
  }
}
