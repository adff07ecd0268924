const shortText = 64
const shortCopy = 48
const firstSlab = 8 * 1024
const largestSlab = 256 * 1024
const empty = Buffer.alloc(0)

/**
 * Writes byte runs one after the other into slabs of memory, and gives each as a view that stays as it is: many small
 * runs share one allocation. Slabs grow from 8 kB to 256 kB as they are used up.
 */
export class ByteSink {
  /** For writers: the bytes at and after {@link position} are free as far as {@link reserve} was asked for. */
  buffer: Buffer = empty
  position = 0
  #start = 0
  #slab = firstSlab

  /** Where the run that is being written begins in {@link buffer}. */
  get start(): number {
    return this.#start
  }

  /** Begins a run. What is written is never written over, also when it was not taken. */
  begin(): void {
    this.#start = this.position
  }

  /** What was written since {@link begin}. */
  take(): Buffer {
    const run = this.buffer.subarray(this.#start, this.position)
    this.#start = this.position
    return run
  }

  /** Makes room for this many bytes at the position. */
  reserve(count: number): void {
    if (this.position + count <= this.buffer.length) return
    const written = this.position - this.#start
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slab, 2 * (written + count)))
    this.#slab = Math.min(2 * this.#slab, largestSlab)
    this.buffer.copy(slab, 0, this.#start, this.position)
    this.buffer = slab
    this.#start = 0
    this.position = written
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

  /** A part of an earlier run, or of any bytes. */
  part(of: Buffer, start: number, end: number): void {
    const length = end - start
    this.reserve(length)
    const { buffer, position } = this
    if (length > shortCopy) of.copy(buffer, position, start, end)
    else for (let i = 0; i < length; i += 1) buffer[position + i] = of[start + i] as number
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
    if (rest < 1e9) this.#digits(rest, digitsOf(rest))
    else {
      const high = Math.floor(rest / 1e8)
      this.#digits(high, digitsOf(high))
      this.#digits(rest - high * 1e8, 8)
    }
  }

  #digits(value: number, count: number): void {
    let rest = value | 0
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
