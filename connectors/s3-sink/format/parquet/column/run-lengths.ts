import type { ByteSink } from 'penstock/api'

import { writeVarint } from '../file/varint.ts'

/** Returns the number of bits that a value up to `max` takes; at least 1, because readers differ in what 0 means. */
export function bitWidthOf(max: number): number {
  return Math.max(1, 32 - Math.clz32(max))
}

/**
 * Writes values in Parquet's hybrid of runs and groups of eight, each value in `width` bits, up to 16.
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE = 3)
 */
export function writeRunLengths(sink: ByteSink, values: ArrayLike<number>, count: number, width: number): void {
  let literals = 0
  let at = 0
  while (at < count) {
    const value = values[at] as number
    let end = at + 1
    while (end < count && values[end] === value) end += 1
    // A run begins only where the literals before it fill their groups: it gives them what they lack.
    const missing = (8 - ((at - literals) & 7)) & 7
    if (end - at - missing >= 8 || (missing === 0 && end === count)) {
      writeLiterals(sink, values, { from: literals, to: at + missing }, width)
      writeRun(sink, value, end - at - missing, width)
      literals = end
    }
    at = end
  }
  writeLiterals(sink, values, { from: literals, to: count }, width)
}

function writeRun(sink: ByteSink, value: number, length: number, width: number): void {
  writeVarint(sink, length * 2)
  sink.byte(value & 0xff)
  if (width > 8) sink.byte(value >> 8)
}

/** The last group is filled with zeros. */
function writeLiterals(
  sink: ByteSink,
  values: ArrayLike<number>,
  { from, to }: { readonly from: number; readonly to: number },
  width: number,
): void {
  if (from === to) return
  const groups = Math.ceil((to - from) / 8)
  writeVarint(sink, groups * 2 + 1)
  sink.reserve(groups * width)
  const { buffer } = sink
  let { position } = sink
  let bits = 0
  let filled = 0
  for (let at = from; at < to; at += 1) {
    bits |= (values[at] as number) << filled
    filled += width
    while (filled >= 8) {
      buffer[position] = bits
      position += 1
      bits >>>= 8
      filled -= 8
    }
  }
  const end = sink.position + groups * width
  for (; position < end; position += 1) {
    buffer[position] = bits
    bits >>>= 8
  }
  sink.position = end
}
