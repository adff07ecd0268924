import { checkWellFormed } from 'penstock/api'

import type { HeldBytes } from './held-bytes.ts'
import type { Leaf } from '../schema/parquet-types.ts'

const noBytes = Buffer.alloc(0)
const noInts = new Int32Array(0)
const noFloats = new Float32Array(0)
const noDoubles = new Float64Array(0)

const firstBytes = 64
const firstLevels = 32
/** Larger buffers grow by less than their double. */
const largeBytes = 1024 * 1024
const shortText = 64
/** The bytes of longer texts are counted before there is room made for them. */
const mediumText = 1024

/**
 * The values of a column that are not in a page yet, as PLAIN encodes them, except that booleans take a byte. Each value or absence
 * has a definition level if the column has such, and a repetition level. What the last record added can be taken back.
 */
export class ColumnStage {
  readonly leaf: Leaf
  /** The bytes of values, as far as {@link used}. */
  bytes: Buffer = noBytes
  /** The same bytes. */
  ints: Int32Array = noInts
  floats: Float32Array = noFloats
  doubles: Float64Array = noDoubles
  used = 0
  definitions: Buffer = noBytes
  repetitions: Buffer = noBytes
  /** The number of values, absent ones included. */
  levels = 0
  /** The number of records that have something here, since {@link release}. */
  records = 0
  readonly #held: HeldBytes
  #levelRoom: number
  #usedBefore = 0
  #levelsBefore = 0

  constructor(leaf: Leaf, held: HeldBytes) {
    this.leaf = leaf
    this.#held = held
    this.#levelRoom = this.#levelWidth === 0 ? Infinity : 0
  }

  /** Begins a value, or says that there is none. */
  level(repetition: number, definition: number): void {
    if (repetition === 0) {
      this.#usedBefore = this.used
      this.#levelsBefore = this.levels
      this.records += 1
    }
    const at = this.levels
    if (at >= this.#levelRoom) this.#growLevels()
    if (this.leaf.maxDefinition > 0) this.definitions[at] = definition
    if (this.leaf.maxRepetition > 0) this.repetitions[at] = repetition
    this.levels = at + 1
  }

  putByte(value: number): void {
    if (this.used + 1 > this.bytes.length) this.#grow(1)
    this.bytes[this.used] = value
    this.used += 1
  }

  putInt32(value: number): void {
    if (this.used + 4 > this.bytes.length) this.#grow(4)
    this.ints[this.used >> 2] = value
    this.used += 4
  }

  putSafeInteger(value: number): void {
    if (this.used + 8 > this.bytes.length) this.#grow(8)
    const at = this.used >> 2
    // The conversion to 32 bits is modulo 2^32, also of larger and of negative numbers.
    this.ints[at] = value
    this.ints[at + 1] = Math.floor(value / 0x1_0000_0000)
    this.used += 8
  }

  putInt64(value: bigint): void {
    if (this.used + 8 > this.bytes.length) this.#grow(8)
    this.bytes.writeBigInt64LE(value, this.used)
    this.used += 8
  }

  putFloat(value: number): void {
    if (this.used + 4 > this.bytes.length) this.#grow(4)
    this.floats[this.used >> 2] = value
    this.used += 4
  }

  putDouble(value: number): void {
    if (this.used + 8 > this.bytes.length) this.#grow(8)
    this.doubles[this.used >> 3] = value
    this.used += 8
  }

  /** Adds text with its length. Returns the number of bytes. @throws DataError for half a surrogate pair */
  putText(text: string): number {
    const { length } = text
    const room = 4 + (length <= mediumText ? length * 3 : Buffer.byteLength(text))
    if (this.used + room > this.bytes.length) this.#grow(room)
    const start = this.used + 4
    const end = length <= shortText ? this.#writeAscii(text, start) : -1
    if (end >= 0) return this.#prefix(end - start)
    checkWellFormed(text, 'Parquet')
    return this.#prefix(this.bytes.write(text, start))
  }

  /** Adds bytes with their length. Returns the number of bytes. */
  putBytes(value: Uint8Array): number {
    if (this.used + 4 + value.length > this.bytes.length) this.#grow(4 + value.length)
    this.bytes.set(value, this.used + 4)
    return this.#prefix(value.length)
  }

  /** Adds an integer as its shortest two's complement, with its length. Returns the number of bytes. */
  putBigEndian(value: number): number {
    if (this.used + 12 > this.bytes.length) this.#grow(12)
    let length = 1
    for (let limit = 128; value >= limit || value < -limit; limit *= 256) length += 1
    this.#writeBigEndian(value, this.used + 4, length)
    return this.#prefix(length)
  }

  /** Adds an integer as two's complement of a number of bytes, which it returns. */
  putFixedBigEndian(value: number, length: number): number {
    if (this.used + length > this.bytes.length) this.#grow(length)
    this.#writeBigEndian(value, this.used, length)
    this.used += length
    return length
  }

  /** Adds bytes without their length. */
  putRaw(value: Uint8Array): void {
    if (this.used + value.length > this.bytes.length) this.#grow(value.length)
    this.bytes.set(value, this.used)
    this.used += value.length
  }

  /** Takes back what was added since the last value of repetition level 0. */
  takeBack(): void {
    this.used = this.#usedBefore
    this.levels = this.#levelsBefore
    this.records -= 1
  }

  /** The values are in a page. Buffers are kept for the next one, unless they are larger than that. */
  clear(keptBytes: number): void {
    this.used = 0
    this.levels = 0
    if (this.bytes.length > keptBytes) this.#useBytes(0)
    if (this.definitions.length > keptBytes || this.repetitions.length > keptBytes) this.#useLevels(0)
  }

  /** Forgets everything. */
  release(): void {
    this.clear(0)
    this.records = 0
  }

  /** Returns where the text ends; -1 if it is not ASCII. */
  #writeAscii(text: string, start: number): number {
    const { bytes } = this
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return -1
      bytes[start + i] = code
    }
    return start + text.length
  }

  #writeBigEndian(value: number, start: number, length: number): void {
    let rest = value
    for (let at = start + length - 1; at >= start; at -= 1) {
      this.bytes[at] = rest
      rest = Math.floor(rest / 256)
    }
  }

  #prefix(length: number): number {
    const { bytes, used } = this
    bytes[used] = length
    bytes[used + 1] = length >> 8
    bytes[used + 2] = length >> 16
    bytes[used + 3] = length >> 24
    this.used = used + 4 + length
    return 4 + length
  }

  get #levelWidth(): number {
    return (this.leaf.maxDefinition > 0 ? 1 : 0) + (this.leaf.maxRepetition > 0 ? 1 : 0)
  }

  #grow(bytes: number): void {
    const needed = this.used + bytes
    const { length } = this.bytes
    const larger = length < largeBytes ? length * 2 : Math.ceil(length * 1.25)
    const { bytes: before, used } = this
    this.#useBytes(Math.ceil(Math.max(firstBytes, larger, needed) / 8) * 8)
    before.copy(this.bytes, 0, 0, used)
  }

  #useBytes(size: number): void {
    this.#held.add(size - this.bytes.length)
    const { type } = this.leaf
    this.bytes = size === 0 ? noBytes : Buffer.allocUnsafeSlow(size)
    const { buffer } = this.bytes
    this.ints = size > 0 && (type === 'int32' || type === 'int64') ? new Int32Array(buffer) : noInts
    this.floats = size > 0 && type === 'float' ? new Float32Array(buffer) : noFloats
    this.doubles = size > 0 && type === 'double' ? new Float64Array(buffer) : noDoubles
  }

  #growLevels(): void {
    const { definitions, repetitions, levels } = this
    this.#useLevels(Math.max(firstLevels, levels * 2))
    definitions.copy(this.definitions, 0, 0, levels)
    repetitions.copy(this.repetitions, 0, 0, levels)
  }

  #useLevels(count: number): void {
    const { maxDefinition, maxRepetition } = this.leaf
    const before = this.definitions.length + this.repetitions.length
    this.definitions = count > 0 && maxDefinition > 0 ? Buffer.allocUnsafeSlow(count) : noBytes
    this.repetitions = count > 0 && maxRepetition > 0 ? Buffer.allocUnsafeSlow(count) : noBytes
    this.#held.add(this.definitions.length + this.repetitions.length - before)
    this.#levelRoom = this.#levelWidth === 0 ? Infinity : count
  }
}
