import { ConnectError } from 'penstock/api'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const maxLineBytes = 64 * 1024 * 1024

/** A line without its terminator, and its length in bytes with the terminator. */
export interface Line {
  readonly text: string
  readonly bytes: number
}

/** Splits bytes into lines that end with `\n`, `\r\n` or `\r`. A line without a terminator waits for more bytes. */
export class LineSplitter {
  #buffer: Buffer = Buffer.alloc(0)
  #searched = 0

  /** @throws ConnectError if a line is longer than 64 MiB (I10). */
  push(bytes: Uint8Array): void {
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#buffer, bytes])
    if (this.#buffer.length > maxLineBytes && this.#endFrom(this.#searched) === null) {
      throw new ConnectError(`FILE_LINE_TOO_LONG: a line is longer than ${maxLineBytes} bytes`)
    }
  }

  /** Returns the next complete line; null if there is none yet. */
  next(): Line | null {
    const end = this.#endFrom(this.#searched)
    if (end === null) {
      this.#searched = Math.max(0, this.#buffer.length - 1)
      return null
    }
    const line = { text: this.#buffer.toString('utf8', 0, end.from), bytes: end.to }
    this.#buffer = this.#buffer.subarray(end.to)
    this.#searched = 0
    return line
  }

  /** Returns where the first terminator begins and ends. A `\r` at the end may be the first half of `\r\n`. */
  #endFrom(start: number): { readonly from: number; readonly to: number } | null {
    for (let i = start; i < this.#buffer.length; i += 1) {
      const byte = this.#buffer[i]
      if (byte === lineFeed) return { from: i, to: i + 1 }
      if (byte !== carriageReturn) continue
      if (i + 1 === this.#buffer.length) return null
      return { from: i, to: this.#buffer[i + 1] === lineFeed ? i + 2 : i + 1 }
    }
    return null
  }
}
