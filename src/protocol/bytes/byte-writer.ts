import { writeInt64 } from './int64.ts'
import { writeUnsignedVarint } from './varint.ts'

/** Byte runs from this size on are handed to the socket as they are instead of being copied. */
const separateFrom = 4096

/** Writes the primitive types of the protocol. Large byte runs stay where they are: the result is a list of parts. */
export class ByteWriter {
  #buffer: Buffer
  #start = 0
  #position = 0
  readonly #parts: Buffer[] = []
  #partBytes = 0

  constructor(initialBytes = 512) {
    this.#buffer = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#partBytes + this.#position - this.#start
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
  }

  int64(value: number): void {
    const at = this.#reserve(8)
    writeInt64(this.#buffer, value, at)
  }

  uuid(value: string): void {
    const at = this.#reserve(16)
    this.#buffer.fill(0, at, at + 16)
    this.#buffer.write(value, at, 16, 'base64url')
  }

  unsignedVarint(value: number): void {
    const at = this.#reserve(5)
    this.#position = writeUnsignedVarint(this.#buffer, value, at)
  }

  /** Writes a length in either encoding; -1 means null. */
  length(value: number, compact: boolean, bits: 16 | 32): void {
    if (compact) this.unsignedVarint(value + 1)
    else if (bits === 16) this.int16(value)
    else this.int32(value)
  }

  utf8(value: string, byteLength: number): void {
    const at = this.#reserve(byteLength)
    this.#buffer.write(value, at, byteLength, 'utf8')
  }

  /** Copies short runs, and keeps a reference to long ones: they must not change until the parts are sent. */
  bytes(value: Uint8Array): void {
    if (value.length < separateFrom) {
      const at = this.#reserve(value.length)
      this.#buffer.set(value, at)
      return
    }
    this.#cut()
    this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    this.#partBytes += value.length
  }

  /** Returns the buffers that were written, and resets the writer. */
  take(): Buffer[] {
    this.#cut()
    this.#partBytes = 0
    return this.#parts.splice(0)
  }

  #cut(): void {
    if (this.#position === this.#start) return
    this.#parts.push(this.#buffer.subarray(this.#start, this.#position))
    this.#partBytes += this.#position - this.#start
    this.#start = this.#position
  }

  #reserve(count: number): number {
    if (this.#position + count > this.#buffer.length) this.#grow(count)
    const at = this.#position
    this.#position += count
    return at
  }

  #grow(count: number): void {
    const pending = this.#position - this.#start
    const grown = Buffer.allocUnsafe(Math.max((pending + count) * 2, 1024))
    this.#buffer.copy(grown, 0, this.#start, this.#position)
    this.#buffer = grown
    this.#start = 0
    this.#position = pending
  }
}
