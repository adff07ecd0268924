import { keyDigest } from '../../../../storage/dead-letters/letter-choice.ts'

/** A record whose letter is delivered again. */
export interface ReplayedRecord {
  readonly offset: number
  readonly key: Buffer | null
}

/**
 * The records of one partition that are delivered again: those of letters, and the later ones of their keys, so that none is
 * overtaken (I12).
 */
export class ReplayedLetters {
  /** Where every record is delivered. */
  readonly until: number
  /** In ascending order. */
  readonly #offsets: readonly number[]
  /** By offset, the digest of the key. */
  readonly #letters: ReadonlyMap<number, string>
  /** By digest, the first offset. */
  readonly #firsts = new Map<string, number>()

  /** @param records in any order; the same record may be there several times */
  constructor(records: readonly ReplayedRecord[], until: number) {
    this.until = until
    this.#letters = new Map(records.map(({ offset, key }) => [offset, keyDigest(key)]))
    this.#offsets = [...this.#letters.keys()].toSorted((a, b) => a - b)
    for (const { offset, key } of records) {
      if (key === null) continue
      const digest = keyDigest(key)
      this.#firsts.set(digest, Math.min(offset, this.#firsts.get(digest) ?? offset))
    }
  }

  get size(): number {
    return this.#offsets.length
  }

  /** Whether a record is delivered. A letter of an earlier topic with the same name has another key in most cases. */
  has({ offset, key }: ReplayedRecord): boolean {
    if (offset >= this.until) return true
    const letter = this.#letters.get(offset)
    if (letter === undefined && key === null) return false
    const digest = keyDigest(key)
    if (letter === digest) return true
    return key !== null && (this.#firsts.get(digest) ?? offset) < offset
  }

  /** Returns how many letters are of records before an offset. */
  before(offset: number): number {
    let [low, high] = [0, this.#offsets.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[middle] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
