import type { ColumnStage } from './column-stage.ts'
import type { HeldBytes } from './held-bytes.ts'

const maxEntries = 8192
const maxBytes = 128 * 1024
/** A longer value ends the dictionary. */
const maxValueBytes = 1024
/** A longer search means many collisions, by chance or because values were chosen for that: the dictionary ends. */
const maxProbes = 64
const firstEntries = 32

/**
 * The distinct values of a column, in the order in which they came, PLAIN-encoded. Memory is bounded by its limits: at most
 * 256 KiB.
 */
export class Dictionary {
  /** PLAIN-encoded entries, as far as {@link used}. */
  bytes: Buffer
  used = 0
  entries = 0
  readonly #width: number
  readonly #held: HeldBytes
  /** Where each entry begins. */
  #starts = new Int32Array(firstEntries)
  #hashes = new Int32Array(firstEntries)
  /** The numbers of entries plus one, by hash. */
  #table = new Int32Array(firstEntries * 2)

  /** @param width the size of a value in bytes; 0: values have their length before them. */
  constructor(width: number, held: HeldBytes) {
    this.#width = width
    this.#held = held
    this.bytes = Buffer.allocUnsafeSlow(firstEntries * (width === 0 ? 16 : width))
    held.add(this.#size)
  }

  /** Returns whether all values of a stage are entries; `indexes` then has their numbers, in order. Otherwise the dictionary is full. */
  encode(stage: ColumnStage, indexes: Uint16Array): boolean {
    const { bytes, used } = stage
    let at = 0
    let count = 0
    while (at < used) {
      const length = this.#width === 0 ? 4 + lengthAt(bytes, at) : this.#width
      const entry = length > maxValueBytes ? -1 : this.#entryOf(bytes, at, length)
      if (entry < 0) return false
      indexes[count] = entry
      count += 1
      at += length
    }
    return true
  }

  release(): void {
    this.#held.add(-this.#size)
  }

  /** Frees the memory for further entries. */
  seal(): void {
    this.#held.add(-this.#size)
    const bytes = Buffer.allocUnsafeSlow(this.used)
    this.bytes.copy(bytes, 0, 0, this.used)
    this.bytes = bytes
    this.#starts = new Int32Array(0)
    this.#hashes = new Int32Array(0)
    this.#table = new Int32Array(0)
    this.#held.add(this.#size)
  }

  get #size(): number {
    return this.bytes.length + 4 * (this.#starts.length + this.#hashes.length + this.#table.length)
  }

  /** Returns the number of an entry; -1 if there is no room for another one. */
  #entryOf(bytes: Buffer, at: number, length: number): number {
    const hash = hashOf(bytes, at, length)
    const mask = this.#table.length - 1
    let slot = hash & mask
    for (let probes = 0; probes < maxProbes; probes += 1) {
      const entry = (this.#table[slot] as number) - 1
      if (entry < 0) return this.#add({ bytes, at, length, hash, slot })
      if (this.#hashes[entry] === hash && this.#isEqual(entry, bytes, at, length)) return entry
      slot = (slot + 1) & mask
    }
    return -1
  }

  #isEqual(entry: number, bytes: Buffer, at: number, length: number): boolean {
    const start = this.#starts[entry] as number
    const own = this.bytes
    // The length of a value is in its first bytes.
    for (let i = 0; i < length; i += 1) if (own[start + i] !== bytes[at + i]) return false
    return true
  }

  #add(value: { bytes: Buffer; at: number; length: number; hash: number; slot: number }): number {
    const { bytes, at, length, hash, slot } = value
    if (this.entries === maxEntries || this.used + length > maxBytes) return -1
    if (this.used + length > this.bytes.length) this.#growBytes(length)
    const entry = this.entries
    bytes.copy(this.bytes, this.used, at, at + length)
    this.#table[slot] = entry + 1
    this.#starts[entry] = this.used
    this.#hashes[entry] = hash
    this.used += length
    this.entries = entry + 1
    if (this.entries === this.#starts.length && this.entries < maxEntries) this.#growTable()
    return entry
  }

  #growBytes(length: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(this.bytes.length * 2, this.used + length)))
    this.bytes.copy(bytes, 0, 0, this.used)
    this.#held.add(bytes.length - this.bytes.length)
    this.bytes = bytes
  }

  #growTable(): void {
    const before = this.#size
    const room = this.entries * 2
    const [starts, hashes] = [new Int32Array(room), new Int32Array(room)]
    starts.set(this.#starts)
    hashes.set(this.#hashes)
    this.#starts = starts
    this.#hashes = hashes
    this.#table = new Int32Array(room * 2)
    const mask = this.#table.length - 1
    for (let entry = 0; entry < this.entries; entry += 1) {
      let slot = (hashes[entry] as number) & mask
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask
      this.#table[slot] = entry + 1
    }
    this.#held.add(this.#size - before)
  }
}

/** Returns the length of the PLAIN-encoded value of variable length at a position. */
export function lengthAt(bytes: Buffer, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
}

/** FNV-1a, with the upper bits mixed into the lower ones. */
function hashOf(bytes: Buffer, at: number, length: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = at; i < at + length; i += 1) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash ^ (hash >>> 15)
}
