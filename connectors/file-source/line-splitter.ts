import { ConnectError } from 'penstock/api'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const maxLineBytes = 64 * 1024 * 1024

/** A line without its end, and how many bytes it took with it. */
export interface Line {
  readonly text: string
  readonly bytes: number
}

/** Cuts bytes into lines that end in `\n`, `\r\n` or `\r`. A line without an end waits for more bytes. */
export class LineSplitter {
  #buffer: Buffer = Buffer.alloc(0)
  #searched = 0

  /** @throws ConnectError when a line outgrows 64 MiB. */
  push(bytes: Uint8Array): void {
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#buffer, bytes])
    if (this.#buffer.length > maxLineBytes && this.#endFrom(this.#searched) === null) {
      throw new ConnectError(`FILE_LINE_TOO_LONG: a line is longer than ${maxLineBytes} bytes`)
    }
  }

  /** The next whole line; null when there is none yet. */
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

  /** Where the first line's end begins and where the next line begins. A lone `\r` at the end may be half of `\r\n`. */
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
