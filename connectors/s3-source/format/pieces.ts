import { DataError } from 'penstock/api'

/** No format of the sink has a larger piece than its largest record or block. */
const maxBytes = 256 * 1024 * 1024
const nothing: Buffer = Buffer.alloc(0)

/** Splits bytes behind each separator. What follows the last one is a piece too, unless it is empty. */
export async function* piecesOf(bytes: AsyncIterable<Buffer>, separator: Buffer): AsyncGenerator<readonly Buffer[]> {
  let rest = nothing
  for await (const more of bytes) {
    // The separator may begin at the end of the bytes before.
    let searched = Math.max(0, rest.length - separator.length + 1)
    const all = rest.length === 0 ? more : Buffer.concat([rest, more])
    const pieces: Buffer[] = []
    let start = 0
    for (let at = all.indexOf(separator, searched); at >= 0; at = all.indexOf(separator, searched)) {
      pieces.push(all.subarray(start, at))
      start = at + separator.length
      searched = start
    }
    rest = all.subarray(start)
    if (rest.length > maxBytes) throw new DataError(`a record has more than ${maxBytes} bytes`)
    if (pieces.length > 0) yield pieces
  }
  if (rest.length > 0) yield [rest]
}

/** Bytes that arrive in pieces, taken as many at a time as the reader wants. */
export class ByteQueue {
  readonly #source: AsyncIterator<Buffer>
  #bytes = nothing

  constructor(bytes: AsyncIterable<Buffer>) {
    this.#source = bytes[Symbol.asyncIterator]()
  }

  /** Returns whether there are no more bytes. */
  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill(1))
  }

  /** Takes so many bytes. @throws DataError if there are fewer */
  async take(count: number): Promise<Buffer> {
    if (count > maxBytes) throw new DataError(`a piece of the object has ${count} bytes, the limit is ${maxBytes}`)
    if (!(await this.#fill(count))) throw new DataError('the object ends in the middle of a piece: it was cut off')
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** Ends the reading of the bytes. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #fill(count: number): Promise<boolean> {
    const pieces = [this.#bytes]
    let length = this.#bytes.length
    while (length < count) {
      const next = await this.#source.next()
      if (next.done === true) break
      pieces.push(next.value)
      length += next.value.length
    }
    if (pieces.length > 1) this.#bytes = Buffer.concat(pieces)
    return length >= count
  }
}
