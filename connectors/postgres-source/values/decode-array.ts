import { DataError, type ConnectValue } from 'penstock/api'
import { unparsable, type ValueDecoder } from './column-type.ts'

const open = 0x7b
const close = 0x7d
const quote = 0x22
const backslash = 0x5c
const equals = 0x3d
const bracket = 0x5b

/**
 * Decodes Postgres' array text, `{a,"b c",NULL,"q\"x"}`. Connect arrays have one dimension: the inner arrays of a
 * multi-dimensional array become null, as in Debezium, and `onNested` is called.
 * @see https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
export function arrayDecoder(element: ValueDecoder, onNested: () => void, delimiter: ',' | ';' = ','): ValueDecoder {
  const items: ItemRules = { element, onNested, delimiter: delimiter.charCodeAt(0) }
  return (bytes, start, end) => {
    if (start >= end || bytes[start] !== bracket) return itemsOf(bytes, start, end, items)
    const { length, position } = boundsOf(bytes, start, end)
    const read = itemsOf(bytes, position, end, items)
    if (read.length !== length) throw unparsable('an array')
    return read
  }
}

interface ItemRules {
  readonly element: ValueDecoder
  readonly onNested: () => void
  /** Separates items; a semicolon for arrays of boxes, whose text contains commas. */
  readonly delimiter: number
}

function itemsOf(
  bytes: Buffer,
  start: number,
  end: number,
  { element, onNested, delimiter }: ItemRules,
): ConnectValue[] {
  const items: ConnectValue[] = []
  if (start >= end || bytes[start] !== open) throw unparsable('an array')
  let position = start + 1
  if (position === end - 1 && bytes[position] === close) return items
  while (position < end) {
    if (bytes[position] === quote) {
      const last = closingQuote(bytes, position + 1, end)
      items.push(quoted(bytes, position + 1, last, element))
      position = last + 1
    } else if (bytes[position] === open) {
      items.push(null)
      onNested()
      position = closingBrace(bytes, position, end) + 1
    } else {
      const last = plainEnd(bytes, position, end, delimiter)
      items.push(isNull(bytes, position, last) ? null : element(bytes, position, last))
      position = last
    }
    if (position >= end) break
    if (bytes[position] === close && position === end - 1) return items
    if (bytes[position] !== delimiter) throw unparsable('an array')
    position += 1
  }
  throw new DataError('the text of an array ends too early')
}

const bounds = /^\[(-?\d+):(-?\d+)\](?:\[-?\d+:-?\d+\])*$/

/** Reads `[2:3][1:4]=`: returns the number of elements and where they start. */
function boundsOf(bytes: Buffer, start: number, end: number): { length: number; position: number } {
  const sign = bytes.indexOf(equals, start)
  const parts = sign < 0 || sign >= end ? null : bounds.exec(bytes.toString('latin1', start, sign))
  if (parts === null) throw unparsable('an array')
  return { length: Number(parts[2]) - Number(parts[1]) + 1, position: sign + 1 }
}

function closingQuote(bytes: Buffer, start: number, end: number): number {
  for (let i = start; i < end; i += 1) {
    if (bytes[i] === backslash) i += 1
    else if (bytes[i] === quote) return i
  }
  throw new DataError('the text of an array ends inside a quoted element')
}

function closingBrace(bytes: Buffer, start: number, end: number): number {
  let depth = 0
  for (let i = start; i < end; i += 1) {
    if (bytes[i] === quote) i = closingQuote(bytes, i + 1, end)
    else if (bytes[i] === open) depth += 1
    else if (bytes[i] === close) depth -= 1
    if (depth === 0) return i
  }
  throw new DataError('the text of an array ends inside an inner array')
}

function plainEnd(bytes: Buffer, start: number, end: number, delimiter: number): number {
  let i = start
  while (i < end && bytes[i] !== delimiter && bytes[i] !== close) {
    const byte = bytes[i] ?? 0
    if (byte === quote || byte === open || byte === backslash || isBlank(byte)) throw unparsable('an array')
    i += 1
  }
  // An empty element is written "".
  if (i === start) throw unparsable('an array')
  return i
}

/** Postgres quotes an element that contains a space, a tab, or an end of line or page; other control characters are not quoted. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

function isNull(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 4 && bytes.toString('latin1', start, end).toUpperCase() === 'NULL'
}

function quoted(bytes: Buffer, start: number, end: number, element: ValueDecoder): ConnectValue {
  const escape = bytes.indexOf(backslash, start)
  if (escape < 0 || escape >= end) return element(bytes, start, end)
  const plain = Buffer.allocUnsafe(end - start)
  let length = 0
  for (let i = start; i < end; i += 1) {
    if (bytes[i] === backslash) i += 1
    plain[length] = bytes[i] ?? 0
    length += 1
  }
  return element(plain, 0, length)
}
