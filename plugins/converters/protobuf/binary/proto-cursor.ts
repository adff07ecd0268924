import { DataError, int64Form, readText, type TextMemo } from 'penstock/api'

import { Wire } from './wire.ts'

const empty = Buffer.alloc(0)
const groupBits = 0xfff_ffff
const group = 0x1000_0000
/** The high word of a 64-bit integer of at most 53 bits is within these. */
const highWord = 0x20_0000
/** Of all structs in a message: an empty message is two bytes, and a struct with all its fields here. */
const maxFields = 20_000_000

/**
 * Reads Protobuf's binary encoding from the bytes of one message. All methods throw DataError if the bytes end before, or are none.
 * Bits past those of a type are dropped, as in Google's libraries.
 */
export class ProtoCursor {
  #bytes: Buffer = empty
  #position = 0
  #end = 0
  #fieldsLeft = 0

  /** Begins a message, which reaches to the end of the bytes. */
  begin(bytes: Uint8Array, position: number): void {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#position = position
    this.#end = bytes.length
    this.#fieldsLeft = maxFields
  }

  /** Counts the fields of a struct that is made. */
  countFields(count: number): void {
    this.#fieldsLeft -= count
    if (this.#fieldsLeft < 0)
      throw new DataError(`its structs have more than ${maxFields} fields, nearly all of them empty`)
  }

  /** Ends the message, and releases its bytes. */
  end(): void {
    this.#bytes = empty
  }

  /** Whether the message, or the one in it that was entered, has no more bytes. */
  isAtEnd(): boolean {
    return this.#position >= this.#end
  }

  /** Begins a message in the message, after its length. Returns what {@link leave} needs. */
  enter(): number {
    const outer = this.#end
    const length = this.#length()
    this.#end = this.#position + length
    return outer
  }

  leave(outer: number): void {
    this.#end = outer
  }

  /** Returns the number of a field, shifted left by 3, and its wire type. */
  tag(): number {
    const byte = this.#bytes[this.#position] as number
    if (this.#position < this.#end && byte < 0x80 && byte > 7) {
      this.#position += 1
      return byte
    }
    const tag = this.uint32()
    if (tag < 8) throw new DataError('a field has the number 0')
    return tag
  }

  int32(): number {
    const low = this.#group(4)
    if (low >= 0) return low
    const high = this.#group(4)
    if (high < 0) this.#rest()
    return (low & groupBits) | (high << 28)
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  sint32(): number {
    const bits = this.int32()
    return (bits >>> 1) ^ -(bits & 1)
  }

  /** Returns a bigint only past 2^53; also of an unsigned type, whose upper half is negative, as in Java. */
  int64(): number | bigint {
    const low = this.#group(4)
    if (low >= 0) return low
    const middle = this.#group(4)
    if (middle >= 0) return signed(low & groupBits, middle, 0)
    return signed(low & groupBits, middle & groupBits, this.#rest())
  }

  sint64(): number | bigint {
    const low = this.#group(4)
    if (low >= 0) return (low >>> 1) ^ -(low & 1)
    const middle = this.#group(4)
    const high = middle < 0 ? this.#rest() : 0
    if (high === 0 && (middle & groupBits) < 0x200_0000) {
      const bits = (middle & groupBits) * group + (low & groupBits)
      return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
    }
    const bits = (BigInt(high) << 56n) | (BigInt(middle & groupBits) << 28n) | BigInt(low & groupBits)
    return int64Form((bits >> 1n) ^ -(bits & 1n))
  }

  /** Whether any bit of a varint is set. */
  bool(): boolean {
    const low = this.#group(4)
    if (low >= 0) return low !== 0
    const middle = this.#group(4)
    const high = middle < 0 ? this.#rest() : 0
    return ((low & groupBits) | (middle & groupBits) | high) !== 0
  }

  /** Returns up to `count` groups of 7 bits as a number; a negative one if another group follows. */
  #group(count: number): number {
    const bytes = this.#bytes
    let value = 0
    for (let i = 0; i < count; i += 1) {
      if (this.#position >= this.#end) throw ended()
      const byte = bytes[this.#position] as number
      this.#position += 1
      value |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return value
    }
    return value | -0x8000_0000
  }

  /** Returns the 8 bits of a varint after its first 56. */
  #rest(): number {
    const high = this.#group(2)
    if (high < 0) throw new DataError('a varint has more than 10 bytes')
    return high & 0xff
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  sfixed32(): number {
    return this.#bytes.readInt32LE(this.#take(4))
  }

  /** Returns a bigint only past 2^53. The upper half of an unsigned type is negative, as in Java. */
  fixed64(): number | bigint {
    const start = this.#take(8)
    const low = this.#bytes.readUInt32LE(start)
    const high = this.#bytes.readInt32LE(start + 4)
    if (high < highWord && high > -highWord) return high * 0x1_0000_0000 + low
    return int64Form((BigInt(high) << 32n) | BigInt(low))
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** Returns a copy of bytes with their length before them. */
  bytes(): Buffer {
    const length = this.#length()
    const start = this.#take(length)
    return Buffer.from(this.#bytes.subarray(start, start + length))
  }

  /** @param memo of the field; null: its texts are not kept */
  text(memo: TextMemo | null): string {
    const length = this.#length()
    return readText(this.#bytes, this.#take(length), length, memo)
  }

  /** Moves past the value of a field that is not known. */
  skip(tag: number): void {
    switch (tag & 7) {
      case Wire.varint:
        this.bool()
        return
      case Wire.fixed64:
        this.#take(8)
        return
      case Wire.delimited:
        this.#take(this.#length())
        return
      case Wire.startGroup: {
        const end = tag + 1
        for (let inner = this.tag(); inner !== end; inner = this.tag()) this.skip(inner)
        return
      }
      case Wire.fixed32:
        this.#take(4)
        return
      default:
        throw new DataError(`the field ${tag >>> 3} has the wire type ${tag & 7}, which is none that can be here`)
    }
  }

  #length(): number {
    const length = this.int32()
    if (length < 0 || this.#position + length > this.#end) throw ended()
    return length
  }

  /** Returns where the next bytes are, and moves past them. */
  #take(count: number): number {
    const start = this.#position
    if (start + count > this.#end) throw ended()
    this.#position = start + count
    return start
  }
}

/** Returns the value of 64 bits in two groups of 28 and one of 8. */
function signed(low: number, middle: number, high: number): number | bigint {
  if (high === 0 && middle < 0x200_0000) return middle * group + low
  if (high === 0xff && middle > group - 0x200_0000) return (middle - group) * group + low
  return int64Form(BigInt.asIntN(64, (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low)))
}

function ended(): DataError {
  return new DataError('the bytes end within a value')
}
