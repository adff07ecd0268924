const shortText = 64
const shortCopy = 48
const firstBytes = 4 * 1024
const largestBytes = 128 * 1024
/** More, which a large run needed, is given back after it. */
const keptBytes = 1024 * 1024
const empty = Buffer.alloc(0)

let laps = 0

/**
 * Writes byte runs one after the other into memory that is used again and again: no run costs an allocation. A run that
 * was taken is a view, and stays as it is until the next one begins.
 */
export class ByteSink {
  /** For writers: the bytes at and after {@link position} are free as far as {@link reserve} was asked for. */
  buffer: Buffer = empty
  position = 0
  #start = 0
  #lap = 0

  /** Where the run that is being written begins in {@link buffer}. */
  get start(): number {
    return this.#start
  }

  /** Changes when earlier runs are written over or lie in another buffer. No two sinks are ever in the same one. */
  get lap(): number {
    return this.#lap
  }

  /** Begins a run. One that was begun and not taken is forgotten. */
  begin(): void {
    this.#start = this.position
    if (this.buffer.length > keptBytes) this.#use(empty, 0)
  }

  /** What was written since {@link begin}. */
  take(): Buffer {
    return this.buffer.subarray(this.#start, this.position)
  }

  /** Makes room for this many bytes at the position. */
  reserve(count: number): void {
    if (this.position + count > this.buffer.length) this.#makeRoom(count)
  }

  /** At the end of the buffer runs begin at its front again; the one that is being written moves there. */
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
    laps += 1
    this.#lap = laps
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.position] = value
    this.position += 1
  }

  /** Short runs are copied by hand: the call of `set` costs more than they do. */
  bytes(run: Uint8Array): void {
    const { length } = run
    this.reserve(length)
    const { buffer, position } = this
    if (length > shortCopy) buffer.set(run, position)
    else for (let i = 0; i < length; i += 1) buffer[position + i] = run[i] as number
    this.position = position + length
  }

  /** Bytes of this lap again; room for them was {@link reserve}d. */
  again(start: number, end: number): void {
    const { buffer, position } = this
    const length = end - start
    if (length > shortCopy) buffer.copyWithin(position, start, end)
    else for (let i = 0; i < length; i += 1) buffer[position + i] = buffer[start + i] as number
    this.position = position + length
  }

  /** Text of which every character is below U+0080. */
  ascii(text: string): void {
    const { length } = text
    this.reserve(length)
    const { buffer, position } = this
    if (length > shortText) buffer.write(text, position, 'latin1')
    else for (let i = 0; i < length; i += 1) buffer[position + i] = text.charCodeAt(i)
    this.position = position + length
  }

  /** Text as UTF-8. */
  utf8(text: string): void {
    this.reserve(text.length * 3)
    this.position += this.buffer.write(text, this.position, 'utf8')
  }

  /** The decimal digits of a safe integer. */
  integer(value: number): void {
    this.reserve(20)
    let rest = value
    if (value < 0) {
      this.buffer[this.position] = 0x2d
      this.position += 1
      rest = -value
    }
    // Small integers are passed on as such: a double would be put on the heap for every call.
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
