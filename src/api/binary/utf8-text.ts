import { isUtf8 } from 'node:buffer'

import { DataError } from '../errors.ts'
import type { ByteSink } from '../json/byte-sink.ts'
import type { TextMemo } from './text-memo.ts'

const shortText = 48

/** Reads a text. @param memo of the field; null: its texts are not kept. @throws DataError if the bytes are not UTF-8 */
export function readText(bytes: Buffer, start: number, length: number, memo: TextMemo | null): string {
  const known = memo === null ? null : memo.textOf(bytes, start, length)
  if (known !== null) return known
  const text = bytes.toString('utf8', start, start + length)
  // Decoding replaces what is not UTF-8 by this character, and so would change the value.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, start + length)))
    throw new DataError('a string is not UTF-8')
  memo?.keep(text, bytes, start, length)
  return text
}

/**
 * Writes a short ASCII text after its length: by character, that is faster than a call on the whole. Returns false for any other
 * text, and writes nothing.
 * @param head the length as the format writes it, in one byte
 */
export function writeShortText(sink: ByteSink, text: string, head: number): boolean {
  const { length } = text
  if (length > shortText) return false
  sink.reserve(length + 1)
  const { buffer, position } = sink
  buffer[position] = head
  for (let i = 0; i < length; i += 1) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    buffer[position + 1 + i] = code
  }
  sink.position = position + 1 + length
  return true
}

/** @throws DataError for half a surrogate pair, which UTF-8 cannot express */
export function checkWellFormed(text: string, format: string): void {
  if (!text.isWellFormed())
    throw new DataError(`a text has half of a surrogate pair, which ${format} cannot hold: it is no Unicode text`)
}
