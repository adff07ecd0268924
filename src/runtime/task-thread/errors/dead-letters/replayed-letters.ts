import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import { keyDigest } from '../../../../storage/dead-letters/letter-choice.ts'
import type { LetterRecord } from '../../../../storage/dead-letters/planned-reader.ts'
import { isSameTime } from '../../../../storage/dead-letters/record-identity.ts'

/** A record whose letter is delivered again. */
export type ReplayedRecord = Pick<LetterRecord, 'offset' | 'key' | 'timestamp'>

interface KnownLetter {
  /** Of the key. */
  readonly digest: string
  readonly timestamp: number | null
}

export interface ReplayedLettersOptions {
  /** Where every record is delivered. */
  readonly until: number
  /** Whether later records of the letters' keys follow. */
  readonly followers: boolean
}

/**
 * The records of one partition that are delivered again: those of letters, and the later ones of their keys, so that none is
 * overtaken (I12). A sink that keeps every record has those already.
 */
export class ReplayedLetters {
  /** Where every record is delivered. */
  readonly until: number
  /** In ascending order. */
  readonly #offsets: readonly number[]
  /** By offset: a record may have several, and one of an earlier topic with the same name may be at its offset. */
  readonly #letters = new Map<number, KnownLetter[]>()
  /** By digest, the first offset. */
  readonly #firsts = new Map<string, number>()

  /** @param records in any order; the same record may be there several times */
  constructor(records: readonly ReplayedRecord[], { until, followers }: ReplayedLettersOptions) {
    this.until = until
    for (const { offset, key, timestamp } of records) {
      const digest = keyDigest(key)
      const known = this.#letters.get(offset) ?? []
      if (!known.some((other) => other.digest === digest && other.timestamp === timestamp))
        this.#letters.set(offset, [...known, { digest, timestamp }])
      if (key === null || !followers) continue
      this.#firsts.set(digest, Math.min(offset, this.#firsts.get(digest) ?? offset))
    }
    this.#offsets = [...this.#letters.keys()].toSorted((a, b) => a - b)
  }

  get size(): number {
    return this.#offsets.length
  }

  /** Whether a record is delivered. */
  has(record: Pick<FetchedRecord, 'offset' | 'key' | 'timestamp'>): boolean {
    const { offset, key, timestamp } = record
    if (offset >= this.until) return true
    const letters = this.#letters.get(offset)
    if (letters === undefined && key === null) return false
    const digest = keyDigest(key)
    if (letters?.some((letter) => letter.digest === digest && isSameTime(letter, timestamp)) === true) return true
    return key !== null && (this.#firsts.get(digest) ?? offset) < offset
  }

  /** Whether there are letters of a record at this offset; those of a record that {@link has} leaves out are of another one. */
  isAt(offset: number): boolean {
    return this.#letters.has(offset)
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
