import { readInt64 } from './int64.ts'
import { ProtocolError } from '../protocol-error.ts'

/** Elements that the arrays of one message may have in all: small elements must not blow a frame up to gigabytes. */
const defaultMaxElements = 2_000_000
/** The longest string of the protocol, in bytes: what is read must fit every string that it is later written to. */
const maxStringBytes = 0x7fff
/** A byte that is no UTF-8 is read as a character of three bytes. */
const maxBytesPerByte = 3

/** Reads the primitive types of the protocol. Everything is checked against the end of the buffer. */
export class ByteReader {
  readonly buffer: Buffer
  position: number
  readonly #maxElements: number
  #elements = 0

  constructor(buffer: Buffer, position = 0, maxElements: number = defaultMaxElements) {
    this.buffer = buffer
    this.position = position
    this.#maxElements = maxElements
  }

  /** Array elements that were announced so far. */
  get elementCount(): number {
    return this.#elements
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.buffer.length - this.position
  }

  bool(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4))
  }

  int64(): number {
    return readInt64(this.buffer, this.#take(8))
  }

  uuid(): string {
    const at = this.#take(16)
    return this.buffer.toString('base64url', at, at + 16)
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.#take(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError('an unsigned varint is longer than 5 bytes')
  }

  /** Reads a length in either encoding; -1 means null. */
  length(compact: boolean, bits: 16 | 32): number {
    if (compact) return this.unsignedVarint() - 1
    const length = bits === 16 ? this.int16() : this.int32()
    if (length < -1) throw new ProtocolError(`length ${length} is negative`)
    return length
  }

  /** UTF-8 of `length` bytes. */
  utf8(length: number): string {
    const at = this.#take(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  /** A string of `length` bytes. @throws ProtocolError when it is longer than strings of the protocol, also when it is written again. */
  string(length: number): string {
    if (length > maxStringBytes) throw new ProtocolError(`a string of ${length} bytes is longer than ${maxStringBytes}`)
    const text = this.utf8(length)
    if (length * maxBytesPerByte > maxStringBytes && Buffer.byteLength(text) > maxStringBytes)
      throw new ProtocolError(
        `a string of ${length} bytes is not UTF-8, and longer than ${maxStringBytes} with its replacements`,
      )
    return text
  }

  /** A view of the next `length` bytes. */
  view(length: number): Buffer {
    const at = this.#take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** Announces `count` elements of `what`, each of which takes at least `minBytes`. */
  elements(count: number, what = 'an array', minBytes = 1): void {
    if (count * minBytes > this.remaining)
      throw new ProtocolError(`${what}: ${count} elements do not fit ${this.remaining} bytes`)
    this.#elements += count
    if (this.#elements > this.#maxElements)
      throw new ProtocolError(`${what}: the message has more than ${this.#maxElements} array elements`)
  }

  /** Skips tagged fields. `known` is called with each tag first, and returns whether it has read the field. */
  taggedFields(known: (tag: number, size: number) => boolean): void {
    const count = this.unsignedVarint()
    this.elements(count, 'tagged fields', 2)
    for (let i = 0; i < count; i += 1) {
      const tag = this.unsignedVarint()
      const size = this.unsignedVarint()
      if (size > this.remaining) throw new ProtocolError(`tagged field ${tag} of ${size} bytes is cut short`)
      const end = this.position + size
      if (!known(tag, size)) this.position = end
      else if (this.position !== end) throw new ProtocolError(`tagged field ${tag} is not of the ${size} bytes it says`)
    }
  }

  #take(count: number): number {
    const at = this.position
    if (count > this.buffer.length - at)
      throw new ProtocolError(`${count} bytes are needed, ${this.remaining} are left`)
    this.position = at + count
    return at
  }
}
