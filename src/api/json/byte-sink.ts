const shortText = 64
const shortCopy = 48
const firstBytes = 4 * 1024
const largestBytes = 128 * 1024
/** A larger buffer, for a large run, is released after it. */
const keptBytes = 1024 * 1024
const empty = Buffer.alloc(0)

let generations = 0

/**
 * Writes runs of bytes one after another into a reused buffer, without an allocation per run. {@link take} returns a view, which
 * is valid until the next run begins.
 */
export class ByteSink {
  /** For writers: the bytes from {@link position} on are free, as far as {@link reserve} was called for. */
  buffer: Buffer = empty
  position = 0
  #start = 0
  #generation = 0

  /** Where the current run begins in {@link buffer}. */
  get start(): number {
    return this.#start
  }

  /** Changes when earlier runs are overwritten, or are in another buffer. Unique among all sinks. */
  get generation(): number {
    return this.#generation
  }

  /** Begins a run, and discards one that was not taken. */
  begin(): void {
    this.#start = this.position
    if (this.buffer.length > keptBytes) this.#use(empty, 0)
  }

  /** Returns the bytes written since {@link begin}. */
  take(): Buffer {
    return this.buffer.subarray(this.#start, this.position)
  }

  /** Ensures space for this many bytes at the position. */
  reserve(count: number): void {
    if (this.position + count > this.buffer.length) this.#makeRoom(count)
  }

  /** Moves the current run to the front of the buffer, or to a larger one, when the end of the buffer is reached. */
  #makeRoom(count: number): void {
    const { buffer } = this
    const written = this.position - this.#start
    const needed = Math.max(2 * (written + count), firstBytes)
    const size = Math.max(needed, Math.min(2 * buffer.length, largestBytes))
    const room = size > buffer.length ? Buffer.allocUnsafeSlow(size) : buffer
    buffer.copy(room, 0, this.#start, this.position)
    this.#use(room, written)
  }

  #use(buffer: Buffer, written: number): void {
    this.buffer = buffer
    this.#start = 0
    this.position = written
    generations += 1
    this.#generation = generations
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.position] = value
    this.position += 1
  }

  /** Copies short runs in a loop, because a call of `set` is slower for them. */
  bytes(run: Uint8Array): void {
    const { length } = run
    this.reserve(length)
    const { buffer, position } = this
    if (length > shortCopy) buffer.set(run, position)
    else for (let i = 0; i < length; i += 1) buffer[position + i] = run[i] as number
    this.position = position + length
  }

  /** Copies bytes of an earlier run in this generation. Their space must be {@link reserve}d. */
  copyWithin(start: number, end: number): void {
    const { buffer, position } = this
    const length = end - start
    if (length > shortCopy) buffer.copyWithin(position, start, end)
    else for (let i = 0; i < length; i += 1) buffer[position + i] = buffer[start + i] as number
    this.position = position + length
  }

  /** Writes ASCII text. */
  ascii(text: string): void {
    const { length } = text
    this.reserve(length)
    const { buffer, position } = this
    if (length > shortText) buffer.write(text, position, 'latin1')
    else for (let i = 0; i < length; i += 1) buffer[position + i] = text.charCodeAt(i)
    this.position = position + length
  }

  /** Writes text as UTF-8. */
  utf8(text: string): void {
    this.reserve(text.length * 3)
    this.position += this.buffer.write(text, this.position, 'utf8')
  }

  /** Writes the decimal digits of a safe integer. */
  integer(value: number): void {
    this.reserve(20)
    let rest = value
    if (value < 0) {
      this.buffer[this.position] = 0x2d
      this.position += 1
      rest = -value
    }
    // Small integers have their own path, because V8 would allocate a double on the heap for every call.
    if (rest < 1e9) this.#digits(rest | 0, digitsOf(rest | 0))
    else {
      const high = Math.floor(rest / 1e8)
      this.#digits(high | 0, digitsOf(high | 0))
      this.#digits((rest - high * 1e8) | 0, 8)
    }
  }

  #digits(value: number, count: number): void {
    let rest = value
    const { buffer, position } = this
    for (let at = position + count - 1; at >= position; at -= 1) {
      const tenth = (rest / 10) | 0
      buffer[at] = 0x30 + (rest - tenth * 10)
      rest = tenth
    }
    this.position = position + count
  }
}

function digitsOf(value: number): number {
  let count = 1
  for (let limit = 10; limit <= value && count < 9; limit *= 10) count += 1
  return count
}
