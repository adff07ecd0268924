const firstBytes = 16 * 1024
/** Less than the size that the buffer has by then, so that the next line rarely makes it grow. */
const fullBytes = 240 * 1024
const lineFeed = 0x0a

/** Collects lines in a buffer that grows with them. */
export class LineBuffer {
  #buffer: Buffer = Buffer.alloc(0)
  #used = 0

  /** The size of the buffer in bytes. */
  get held(): number {
    return this.#buffer.length
  }

  /** Whether the caller should {@link take} the lines. */
  get isFull(): boolean {
    return this.#used >= fullBytes
  }

  /** Adds a line and a line feed. Returns the number of bytes. */
  append(line: string | Buffer): number {
    const bytes = (typeof line === 'string' ? this.#write(line) : this.#copy(line)) + 1
    this.#used += bytes
    this.#buffer[this.#used - 1] = lineFeed
    return bytes
  }

  #write(text: string): number {
    // A character takes up to three bytes of UTF-8. They are counted only when the buffer may be too small.
    if (this.#buffer.length - this.#used <= text.length * 3) this.#makeRoom(Buffer.byteLength(text) + 1)
    return this.#buffer.write(text, this.#used)
  }

  #copy(bytes: Buffer): number {
    this.#makeRoom(bytes.length + 1)
    return bytes.copy(this.#buffer, this.#used)
  }

  /** Returns the lines and empties the buffer. */
  take(): Buffer {
    const view = this.#buffer.subarray(0, this.#used)
    // A view would keep the whole buffer alive.
    const lines = this.#used * 2 < this.#buffer.length ? Buffer.from(view) : view
    this.#buffer = Buffer.alloc(0)
    this.#used = 0
    return lines
  }

  #makeRoom(bytes: number): void {
    const needed = this.#used + bytes
    if (needed <= this.#buffer.length) return
    let size = Math.max(firstBytes, this.#buffer.length * 2)
    while (size < needed) size *= 2
    const grown = Buffer.allocUnsafeSlow(size)
    this.#buffer.copy(grown, 0, 0, this.#used)
    this.#buffer = grown
  }
}
