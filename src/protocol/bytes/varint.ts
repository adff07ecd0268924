import { ProtocolError } from '../protocol-error.ts'

/*
 * Base-128 groups, lowest first. Records carry zig-zag varints (32 bits) and varlongs (64 bits); flexible messages carry plain
 * unsigned ones. Varlongs are numbers here: lengths, deltas and timestamps stay below 2^53.
 */

/** Bytes of an unsigned varint; `value` is a number from 0 to 2^32 - 1. */
export function sizeOfUnsignedVarint(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** Writes an unsigned varint. Returns the position after it. */
export function writeUnsignedVarint(buffer: Buffer, value: number, position: number): number {
  let rest = value >>> 0
  let at = position
  while (rest >= 0x80) {
    buffer[at] = (rest & 0x7f) | 0x80
    at += 1
    rest >>>= 7
  }
  buffer[at] = rest
  return at + 1
}

/** Bytes of a zig-zag varint; `value` is a signed 32-bit integer. */
export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint(((value << 1) ^ (value >> 31)) >>> 0)
}

/** Writes a zig-zag varint. Returns the position after it. */
export function writeVarint(buffer: Buffer, value: number, position: number): number {
  return writeUnsignedVarint(buffer, (value << 1) ^ (value >> 31), position)
}

function isInt32(value: number): boolean {
  return value === (value | 0)
}

/** Zig-zag of a safe integer beyond 32 bits: the result may need 54 bits. */
function zigZagWide(value: number): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}

/** Bytes of a zig-zag varlong; `value` is a safe integer. */
export function sizeOfVarlong(value: number): number {
  if (isInt32(value)) return sizeOfVarint(value)
  let rest = zigZagWide(value)
  let size = 1
  while (rest >= 0x80n) {
    rest >>= 7n
    size += 1
  }
  return size
}

/** Writes a zig-zag varlong. Returns the position after it. */
export function writeVarlong(buffer: Buffer, value: number, position: number): number {
  if (isInt32(value)) return writeVarint(buffer, value, position)
  let rest = zigZagWide(value)
  let at = position
  while (rest >= 0x80n) {
    buffer[at] = Number(rest & 0x7fn) | 0x80
    at += 1
    rest >>= 7n
  }
  buffer[at] = Number(rest)
  return at + 1
}

/** Reads varints one after the other; never beyond `end`. */
export class VarintReader {
  readonly buffer: Buffer
  position: number
  readonly end: number

  constructor(buffer: Buffer, position: number, end: number) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  /** An unsigned varint of at most 32 bits. @throws ProtocolError when it is longer or cut. */
  unsigned(): number {
    const buffer = this.buffer
    const first = this.position < this.end ? buffer[this.position] : undefined
    if (first !== undefined && first < 0x80) {
      this.position += 1
      return first
    }
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.position < this.end ? buffer[this.position] : undefined
      if (byte === undefined) throw new ProtocolError('a varint is cut short')
      this.position += 1
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError('a varint is longer than 5 bytes')
  }

  /** A zig-zag varint. */
  signed(): number {
    const raw = this.unsigned()
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** A zig-zag varlong as a number; beyond 2^53 the nearest double. */
  signedLong(): number {
    let low = 0
    let high = 0
    for (let i = 0; i < 10; i += 1) {
      const byte = this.position < this.end ? this.buffer[this.position] : undefined
      if (byte === undefined) throw new ProtocolError('a varlong is cut short')
      this.position += 1
      const bits = byte & 0x7f
      if (i < 4) low += bits * 2 ** (7 * i)
      else high += bits * 2 ** (7 * (i - 4))
      if (byte < 0x80) return unZigZagWide(low, high)
    }
    throw new ProtocolError('a varlong is longer than 10 bytes')
  }
}

/** `low` holds 28 bits, `high` the rest. */
function unZigZagWide(low: number, high: number): number {
  const isNegative = low % 2 === 1
  if (high < 2 ** 25) {
    const magnitude = (high * 0x1000_0000 + low - (isNegative ? 1 : 0)) / 2
    return isNegative ? -magnitude - 1 : magnitude
  }
  const raw = BigInt(high) * 0x1000_0000n + BigInt(low)
  return Number(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)))
}
