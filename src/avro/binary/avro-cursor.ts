import type { TextMemo } from '../../api/binary/text-memo.ts'
import { readText } from '../../api/binary/utf8-text.ts'
import { DataError } from '../../api/errors.ts'
import { int64Form } from '../../api/java/int64-form.ts'

const empty = Buffer.alloc(0)
const maxInt = 0x7fff_ffff
/** Of the items without bytes in a message, which could be any number. */
const maxEmptyItems = 100_000
const groupBits = 0xfff_ffff

/** Reads Avro's binary encoding from the bytes of one message. All methods throw DataError if the bytes end before, or are none. */
export class AvroCursor {
  #bytes: Buffer = empty
  #position = 0
  #emptyItemsLeft = 0

  /** Begins a message. */
  begin(bytes: Uint8Array, position: number): void {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#position = position
    this.#emptyItemsLeft = maxEmptyItems
  }

  /** Ends the message. @throws DataError if there are more bytes */
  end(): void {
    const rest = this.remaining
    this.#bytes = empty
    if (rest !== 0) throw new DataError(`${rest} bytes follow the value`)
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  boolean(): boolean {
    const byte = this.#bytes[this.#take(1)]
    if (byte !== 0 && byte !== 1) throw new DataError(`a boolean has the byte ${byte}`)
    return byte === 1
  }

  int(): number {
    const value = this.long()
    if (typeof value === 'bigint' || value > maxInt || value < -maxInt - 1)
      throw new DataError(`the int ${value} has more than 32 bits`)
    return value
  }

  /** Returns a bigint only past 2^53. */
  long(): number | bigint {
    const low = this.#group(4)
    if (low >= 0) return (low >>> 1) ^ -(low & 1)
    const middle = this.#group(4)
    if (middle >= 0) return fromZigzag(low & groupBits, middle, 0)
    const high = this.#group(2)
    if (high < 0 || high > 0xff) throw new DataError('a long has more than 64 bits')
    return fromZigzag(low & groupBits, middle & groupBits, high)
  }

  /** Returns up to `count` groups of 7 bits as a number; a negative one if another group follows. */
  #group(count: number): number {
    const bytes = this.#bytes
    let value = 0
    for (let i = 0; i < count; i += 1) {
      const byte = bytes[this.#position]
      if (byte === undefined) throw ended()
      this.#position += 1
      value |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return value
    }
    return value | -0x8000_0000
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** Returns a copy of as many bytes. */
  fixed(size: number): Buffer {
    const start = this.#take(size)
    return Buffer.from(this.#bytes.subarray(start, start + size))
  }

  /** Returns a copy of bytes with their length before them. */
  bytes(): Buffer {
    return this.fixed(this.#length())
  }

  /** Returns a copy of all bytes that are left. */
  rest(): Buffer {
    return this.fixed(this.remaining)
  }

  /** @param memo of the field; null: its texts are not kept */
  text(memo: TextMemo | null): string {
    const length = this.#length()
    return readText(this.#bytes, this.#take(length), length, memo)
  }

  /**
   * Returns how many items the next block of an array or map has; 0 at its end.
   * @param itemBytes the fewest bytes of an item
   */
  block(itemBytes: number): number {
    let count = this.long()
    if (count < 0) {
      this.long()
      count = -count
    }
    const most = itemBytes === 0 ? this.#emptyItemsLeft : Math.floor(this.remaining / itemBytes)
    if (count > most) throw new DataError(`${count} items do not fit the ${this.remaining} bytes that follow`)
    if (itemBytes === 0) this.#emptyItemsLeft -= Number(count)
    return Number(count)
  }

  /** Returns the index of a branch of a union, or of a symbol of an enum. */
  index(count: number, what: string): number {
    const index = this.long()
    if (typeof index === 'bigint' || index < 0 || index >= count)
      throw new DataError(`${what} ${index} does not exist: there are ${count}`)
    return index
  }

  #length(): number {
    const length = this.long()
    if (typeof length === 'bigint' || length < 0) throw new DataError(`a length is ${length}`)
    return length
  }

  /** Returns where the next bytes are, and moves past them. */
  #take(count: number): number {
    const start = this.#position
    if (start + count > this.#bytes.length) throw ended()
    this.#position = start + count
    return start
  }
}

/** Returns the value of a long whose lower 56 bits are in two groups of 28. */
function fromZigzag(low: number, middle: number, high: number): number | bigint {
  if (high === 0 && middle < 0x200_0000) {
    const bits = middle * 0x1000_0000 + low
    return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
  }
  const bits = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low)
  return int64Form((bits >> 1n) ^ -(bits & 1n))
}

function ended(): DataError {
  return new DataError('the bytes end within a value')
}
