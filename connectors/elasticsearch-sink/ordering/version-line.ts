type Version = number | bigint

// The most falls of the versions that a partition keeps, the latest ones.
const maxTurns = 256

/**
 * The highest versions of a partition, and their offsets. It keeps the records whose version no later record exceeds: one
 * while versions rise, and one more for each time they fell and have not caught up.
 */
export class VersionLine {
  /** Offsets rise, versions fall. */
  #offsets: number[] = []
  #versions: Version[] = []

  note(offset: number, version: Version): void {
    // Reading again from an earlier offset starts over.
    if (offset <= (this.#offsets.at(-1) ?? -1)) {
      this.#offsets = []
      this.#versions = []
    }
    while ((this.#versions.at(-1) ?? Number.POSITIVE_INFINITY) <= version) {
      this.#versions.pop()
      this.#offsets.pop()
    }
    this.#versions.push(version)
    this.#offsets.push(offset)
    if (this.#offsets.length <= maxTurns) return
    this.#offsets.shift()
    this.#versions.shift()
  }

  /** The highest version so far; null before the first. */
  get highest(): Version | null {
    return this.#versions[0] ?? null
  }

  /** The highest version of the records after that offset; null when there is none. */
  highestAfter(offset: number): Version | null {
    const at = this.#offsets.findIndex((place) => place > offset)
    return this.#versions[at] ?? null
  }
}
