import { checkWellFormed, writeShortText, type ByteSink } from 'penstock/api'

/** Writes a varint of 32 bits without sign: a tag, or a length. */
export function writeUnsigned(sink: ByteSink, value: number): void {
  sink.reserve(5)
  sink.position = putUnsigned(sink.buffer, sink.position, value)
}

function putUnsigned(buffer: Buffer, at: number, value: number): number {
  let position = at
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) {
    buffer[position] = (rest & 0x7f) | 0x80
    position += 1
  }
  buffer[position] = rest
  return position + 1
}

/** Writes an int32 or an int64 of at most 53 bits; a negative one has 10 bytes. */
export function writeInteger(sink: ByteSink, value: number): void {
  if (value >= 0 && value <= 0x7fff_ffff) writeUnsigned(sink, value)
  else if (value > 0) {
    sink.reserve(10)
    const { buffer } = sink
    let { position } = sink
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
      buffer[position] = (rest % 128) | 0x80
      position += 1
    }
    buffer[position] = rest
    sink.position = position + 1
  } else writeNegative(sink, value)
}

/** The 70 bits of a negative number of at most 53, in three parts. */
function writeNegative(sink: ByteSink, value: number): void {
  sink.reserve(10)
  const { buffer, position } = sink
  let low = value & 0xfff_ffff
  // Of the number without its lowest 28 bits, which shifting would cut off at 32 bits.
  let middle = Math.floor(value / 0x1000_0000) & 0xfff_ffff
  for (let i = 0; i < 4; i += 1) {
    buffer[position + i] = (low & 0x7f) | 0x80
    buffer[position + 4 + i] = (middle & 0x7f) | 0x80
    low >>>= 7
    middle >>>= 7
  }
  buffer[position + 8] = 0xff
  buffer[position + 9] = 1
  sink.position = position + 10
}

/** Writes 64 bits of an integer, which may be negative. */
export function writeBigInteger(sink: ByteSink, value: bigint): void {
  sink.reserve(10)
  const { buffer } = sink
  let { position } = sink
  let rest = BigInt.asUintN(64, value)
  for (; rest > 0x7fn; rest >>= 7n) {
    buffer[position] = Number(rest & 0x7fn) | 0x80
    position += 1
  }
  buffer[position] = Number(rest)
  sink.position = position + 1
}

/** Returns the integer of which the lowest bit is the sign, so that small negative ones are short. */
export function zigzag(value: number | bigint): number | bigint {
  if (typeof value === 'number' && value >= -0x4000_0000 && value < 0x4000_0000)
    return ((value << 1) ^ (value >> 31)) >>> 0
  const wide = BigInt(value)
  return wide >= 0n ? wide << 1n : (-wide << 1n) - 1n
}

/** Writes the length and the UTF-8 of a text. @throws DataError for half a surrogate pair, which UTF-8 cannot express */
export function writeText(sink: ByteSink, text: string): void {
  if (writeShortText(sink, text, text.length)) return
  checkWellFormed(text, 'Protobuf')
  writeUnsigned(sink, Buffer.byteLength(text))
  sink.utf8(text)
}

/** Begins a value whose length is written before it, when it is known. Returns what {@link endDelimited} needs. */
export function beginDelimited(sink: ByteSink): number {
  sink.reserve(1)
  const mark = sink.position - sink.start
  sink.position += 1
  return mark
}

/** Writes the length of a value, and moves it where more than one byte is needed. */
export function endDelimited(sink: ByteSink, mark: number): void {
  const length = sink.position - sink.start - mark - 1
  if (length < 0x80) {
    sink.buffer[sink.start + mark] = length
    return
  }
  const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4
  sink.reserve(more)
  const { buffer } = sink
  const start = sink.start + mark
  buffer.copyWithin(start + 1 + more, start + 1, sink.position)
  putUnsigned(buffer, start, length)
  sink.position += more
}
