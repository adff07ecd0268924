const firstBytes = 16 * 1024

/** Collects records, each with the same bytes behind it, in a buffer that grows with them. */
export class RecordBuffer {
  readonly #ending: Uint8Array
  readonly #fullBytes: number
  #buffer: Buffer = Buffer.alloc(0)
  #used = 0
  /** Where the record that was added last begins. */
  #last = 0

  /**
   * @param ending follows each record.
   * @param fullBytes after which the buffer is full. Less than a power of two, so that the next record rarely makes it grow.
   */
  constructor(ending: Uint8Array, fullBytes: number) {
    this.#ending = ending
    this.#fullBytes = fullBytes
  }

  /** The size of the buffer in bytes. */
  get held(): number {
    return this.#buffer.length
  }

  /** Whether the caller should {@link take} the records. */
  get isFull(): boolean {
    return this.#used >= this.#fullBytes
  }

  /** Adds a record and its ending. Returns the number of bytes. */
  append(record: string | Uint8Array): number {
    const start = this.#used
    this.#last = start
    this.#used += typeof record === 'string' ? this.#write(record) : this.#copy(record)
    for (const byte of this.#ending) {
      this.#buffer[this.#used] = byte
      this.#used += 1
    }
    return this.#used - start
  }

  #write(text: string): number {
    // A character takes up to three bytes of UTF-8. They are counted only when the buffer may be too small.
    if (this.#buffer.length - this.#used < text.length * 3 + this.#ending.length)
      this.#makeRoom(Buffer.byteLength(text))
    return this.#buffer.write(text, this.#used)
  }

  #copy(bytes: Uint8Array): number {
    this.#makeRoom(bytes.length)
    this.#buffer.set(bytes, this.#used)
    return bytes.length
  }

  /** Removes the record that was added last. */
  takeBack(): void {
    this.#used = this.#last
  }

  /** Returns the bytes and empties the buffer. */
  take(): Buffer {
    const view = this.#buffer.subarray(0, this.#used)
    // A view would keep the whole buffer alive.
    const records = this.#used * 2 < this.#buffer.length ? Buffer.from(view) : view
    this.#buffer = Buffer.alloc(0)
    this.#used = 0
    this.#last = 0
    return records
  }

  #makeRoom(bytes: number): void {
    const needed = this.#used + bytes + this.#ending.length
    if (needed <= this.#buffer.length) return
    let size = Math.max(firstBytes, this.#buffer.length * 2)
    while (size < needed) size *= 2
    const grown = Buffer.allocUnsafeSlow(size)
    this.#buffer.copy(grown, 0, 0, this.#used)
    this.#buffer = grown
  }
}
