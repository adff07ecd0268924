const maxBytes = 64
/** So many different texts in a row are a field whose texts rarely repeat, such as a name or a note. */
const maxMisses = 64

/**
 * The last text of a field. Many fields have the same text in nearly every record (names of tables, codes, states), and comparing its
 * bytes costs less than decoding them, and no memory.
 */
export class TextMemo {
  readonly #bytes = new Uint8Array(maxBytes)
  #length = -1
  #text = ''
  #misses = 0

  /** Returns the text if it has these bytes; null if it has others. */
  textOf(bytes: Uint8Array, start: number, length: number): string | null {
    if (length !== this.#length) return null
    const own = this.#bytes
    for (let i = 0; i < length; i += 1) if (own[i] !== bytes[start + i]) return null
    this.#misses = 0
    return this.#text
  }

  /** Keeps a text that was decoded, unless it is long, or too many before it were others. */
  keep(text: string, bytes: Uint8Array, start: number, length: number): void {
    if (length > maxBytes || this.#misses > maxMisses) return
    this.#misses += 1
    const own = this.#bytes
    for (let i = 0; i < length; i += 1) own[i] = bytes[start + i] as number
    this.#length = length
    this.#text = text
  }
}
