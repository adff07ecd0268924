import { checkWellFormed, writeShortText } from '../../api/binary/utf8-text.ts'
import { DataError } from '../../api/errors.ts'
import type { ByteSink } from '../../api/json/byte-sink.ts'

const maxLong = 0x7fff_ffff_ffff_ffffn

/** Writes Avro's int or long. `value` is an integer of at most 53 bits. */
export function writeInteger(sink: ByteSink, value: number): void {
  sink.reserve(10)
  const { buffer } = sink
  let { position } = sink
  if (value >= -0x4000_0000 && value < 0x4000_0000) {
    let rest = (value << 1) ^ (value >> 31)
    for (; rest > 0x7f; rest >>>= 7) {
      buffer[position] = (rest & 0x7f) | 0x80
      position += 1
    }
    buffer[position] = rest
  } else {
    let rest = value >= 0 ? value * 2 : -value * 2 - 1
    if (rest > Number.MAX_SAFE_INTEGER) {
      writeBigInteger(sink, BigInt(value))
      return
    }
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
      buffer[position] = (rest % 128) | 0x80
      position += 1
    }
    buffer[position] = rest
  }
  sink.position = position + 1
}

/** @throws DataError if it does not fit 64 bits */
export function writeBigInteger(sink: ByteSink, value: bigint): void {
  if (value > maxLong || value < -maxLong - 1n) throw new DataError(`the integer ${value} does not fit Avro's long`)
  sink.reserve(10)
  const { buffer } = sink
  let { position } = sink
  let rest = value >= 0n ? value << 1n : (-value << 1n) - 1n
  for (; rest > 0x7fn; rest >>= 7n) {
    buffer[position] = Number(rest & 0x7fn) | 0x80
    position += 1
  }
  buffer[position] = Number(rest)
  sink.position = position + 1
}

export function writeFloat(sink: ByteSink, value: number): void {
  sink.reserve(4)
  sink.position = sink.buffer.writeFloatLE(value, sink.position)
}

export function writeDouble(sink: ByteSink, value: number): void {
  sink.reserve(8)
  sink.position = sink.buffer.writeDoubleLE(value, sink.position)
}

/** Writes the length and the bytes. */
export function writeBytes(sink: ByteSink, bytes: Uint8Array): void {
  writeInteger(sink, bytes.length)
  sink.bytes(bytes)
}

/** Writes the length and the UTF-8 of a text. @throws DataError for half a surrogate pair, which UTF-8 cannot express */
export function writeText(sink: ByteSink, text: string): void {
  if (writeShortText(sink, text, text.length << 1)) return
  checkWellFormed(text, 'Avro')
  writeInteger(sink, Buffer.byteLength(text))
  sink.utf8(text)
}
