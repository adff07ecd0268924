import { ProtobufError } from '../parse/proto-reader.ts'

const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Writes a message in Protobuf's encoding. The caller writes fields in the order of their numbers. */
export class WireWriter {
  readonly #parts: Uint8Array[] = []

  /** A text; nothing for null. */
  text(field: number, value: string | null): void {
    if (value !== null) this.bytes(field, Buffer.from(value, 'utf8'))
  }

  texts(field: number, values: readonly string[]): void {
    for (const value of values) this.text(field, value)
  }

  /** An int32, an enum or a bool; nothing for null. */
  number(field: number, value: number | boolean | null): void {
    if (value === null) return
    this.#parts.push(varintOf(BigInt(field * 8 + varint)), varintOf(BigInt.asUintN(64, BigInt(value))))
  }

  message(field: number, write: (writer: WireWriter) => void): void {
    const writer = new WireWriter()
    write(writer)
    this.bytes(field, writer.finish())
  }

  /** A message; nothing when it has no fields. */
  messageIfAny(field: number, write: (writer: WireWriter) => void): void {
    const writer = new WireWriter()
    write(writer)
    if (writer.#parts.length > 0) this.bytes(field, writer.finish())
  }

  bytes(field: number, value: Uint8Array): void {
    this.#parts.push(varintOf(BigInt(field * 8 + delimited)), varintOf(BigInt(value.length)), value)
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

/** Reads the fields of a message in Protobuf's encoding, and keeps those that it is asked for. */
export class WireMessage {
  readonly #fields = new Map<number, (bigint | Uint8Array)[]>()

  /** @throws ProtobufError when the bytes are no message */
  constructor(bytes: Uint8Array) {
    const cursor = new WireCursor(bytes)
    while (!cursor.isAtEnd) {
      const tag = Number(cursor.varint())
      const value = cursor.value(tag & 7)
      const values = this.#fields.get(tag >>> 3) ?? []
      this.#fields.set(tag >>> 3, values)
      values.push(value)
    }
  }

  has(field: number): boolean {
    return this.#fields.has(field)
  }

  /** The last text of a field; null when there is none. */
  text(field: number): string | null {
    return this.texts(field).at(-1) ?? null
  }

  texts(field: number): readonly string[] {
    return this.#bytes(field).map((bytes) => utf8(bytes))
  }

  /** The last int32, enum or bool of a field; null when there is none. */
  number(field: number): number | null {
    return this.numbers(field).at(-1) ?? null
  }

  /** Also of a packed field. */
  numbers(field: number): readonly number[] {
    return (this.#fields.get(field) ?? []).flatMap((value) =>
      typeof value === 'bigint' ? [int32(value)] : packed(value),
    )
  }

  /** The messages of a field that is there several times. */
  messages(field: number): readonly WireMessage[] {
    return this.#bytes(field).map((bytes) => new WireMessage(bytes))
  }

  /** A message of a field that is there once: parts of it may be apart. Empty when there is none. */
  message(field: number): WireMessage {
    return new WireMessage(Buffer.concat(this.#bytes(field)))
  }

  #bytes(field: number): readonly Uint8Array[] {
    return (this.#fields.get(field) ?? []).map((value) => {
      if (typeof value === 'bigint') throw new ProtobufError(`the descriptor has a number in field ${field}`)
      return value
    })
  }
}

class WireCursor {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new ProtobufError('the descriptor ends inside of a number')
      this.#at += 1
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw new ProtobufError('the descriptor has a number that is too long')
  }

  value(type: number): bigint | Uint8Array {
    if (type === varint) return this.varint()
    if (type === fixed64) return this.#take(8)
    if (type === fixed32) return this.#take(4)
    if (type === delimited) return this.#take(Number(this.varint()))
    throw new ProtobufError(`the descriptor has a field of the wire type ${type}`)
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new ProtobufError('the descriptor ends inside of a field')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }
}

function packed(bytes: Uint8Array): readonly number[] {
  const cursor = new WireCursor(bytes)
  const values: number[] = []
  while (!cursor.isAtEnd) values.push(int32(cursor.varint()))
  return values
}

function int32(value: bigint): number {
  return Number(BigInt.asIntN(32, value))
}

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new ProtobufError('the descriptor has text that is not UTF-8')
  }
}
