type Version = number | bigint

// A partition in which versions fell more often keeps the latest of these turns.
const maxTurns = 256

/**
 * How high the versions of a partition have risen, and where. It keeps the records that no later record exceeds: one
 * while versions rise, one more for each time they fell back and have not caught up.
 */
export class VersionLine {
  /** Offsets rise, versions fall. */
  #offsets: number[] = []
  #versions: Version[] = []

  note(offset: number, version: Version): void {
    // What is read again begins the line again.
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
