import { crc32 } from 'node:zlib'

/** What happened in a run, as a hash; the lines themselves only when they are wanted. Two runs of one seed have the same hash. */
export class Trace {
  readonly #onLine: ((line: string) => void) | null
  #hash = 0
  #count = 0

  /** @param onLine receives each line; null: only the hash is kept */
  constructor(onLine: ((line: string) => void) | null = null) {
    this.#onLine = onLine
  }

  get hash(): number {
    return this.#hash
  }

  /** The number of lines. */
  get count(): number {
    return this.#count
  }

  add(atMs: number, actor: string, what: string): void {
    const line = `${atMs.toFixed(3)} ${actor} ${what}`
    this.#hash = crc32(line, this.#hash)
    this.#count += 1
    this.#onLine?.(line)
  }
}
