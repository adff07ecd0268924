import { crc32 } from 'node:zlib'

const tombstone = -1

/** Stands for a value: those of a topic may be many gigabytes. */
const digest = (value: string | Uint8Array): number => crc32(value)

/** What a partition holds, by offset from 0: eight bytes for each value. */
export class ValueDigests {
  #digests = new Float64Array(1024)
  #length = 0

  /** The offset after the last one. */
  get length(): number {
    return this.#length
  }

  /** The value at the next offset; null for a tombstone. */
  push(value: string | null): void {
    if (this.#length === this.#digests.length) {
      const larger = new Float64Array(this.#length * 2)
      larger.set(this.#digests)
      this.#digests = larger
    }
    this.#digests[this.#length++] = value === null ? tombstone : digest(value)
  }

  isTombstone(offset: number): boolean {
    return offset < this.#length && this.#digests[offset] === tombstone
  }

  /** Whether this is the value at an offset; bytes are those of UTF-8. */
  matches(offset: number, value: Uint8Array): boolean {
    return offset < this.#length && this.#digests[offset] === digest(value)
  }
}
