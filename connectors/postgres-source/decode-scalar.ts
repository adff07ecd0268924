import { DataError, type ConnectValue } from 'penstock/api'
import type { BinaryMode, ValueDecoder } from './column-type.ts'

const zero = 0x30
const dash = 0x2d
/** Digits that always fit a double exactly. */
const exactDigits = 15

/** Any integer type: a number when it is safe, else a bigint. */
export const decodeInteger: ValueDecoder = (bytes, start, end) => {
  const negative = bytes[start] === dash
  let i = negative ? start + 1 : start
  if (end - i > exactDigits) return bigInteger(bytes.toString('latin1', start, end))
  let value = 0
  for (; i < end; i += 1) value = value * 10 + ((bytes[i] ?? zero) - zero)
  return negative ? -value : value
}

function bigInteger(text: string): number | bigint {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

/** Postgres and JavaScript write NaN and the infinities alike. */
export const decodeFloat: ValueDecoder = (bytes, start, end) => Number(bytes.toString('latin1', start, end))

export const decodeBoolean: ValueDecoder = (bytes, start) => bytes[start] === 0x74

export const decodeText: ValueDecoder = (bytes, start, end) => bytes.toString('utf8', start, end)

export const decodeAscii: ValueDecoder = (bytes, start, end) => bytes.toString('latin1', start, end)

/** bytea in hex form, `\x00ff`. */
export function binaryDecoder(mode: BinaryMode): ValueDecoder {
  const hex = (bytes: Buffer, start: number, end: number): string => bytes.toString('latin1', start + 2, end)
  if (mode === 'hex') return hex
  if (mode === 'bytes') return (bytes, start, end) => Buffer.from(hex(bytes, start, end), 'hex')
  const encode = binaryText(mode)
  return (bytes, start, end) => encode(Buffer.from(hex(bytes, start, end), 'hex'))
}

/** The text of bytes in a mode that has one. */
export function binaryText(mode: Exclude<BinaryMode, 'bytes'>): (bytes: Buffer) => string {
  if (mode === 'hex') return (bytes) => bytes.toString('hex')
  if (mode === 'base64') return (bytes) => bytes.toString('base64')
  return (bytes) => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** bit(1): whether it is set. */
export const decodeBit: ValueDecoder = (bytes, start) => bytes[start] === 0x31

/** A bit string as a number, lowest byte first, without leading zeros: `00000101` is [5]. */
export const decodeBits: ValueDecoder = (bytes, start, end) => {
  const result = Buffer.alloc(Math.ceil((end - start) / 8))
  let length = 0
  for (let bit = 0; bit < end - start; bit += 1) {
    if (bytes[end - 1 - bit] !== 0x31) continue
    const index = bit >> 3
    result[index] = (result[index] ?? 0) | (1 << (bit & 7))
    length = index + 1
  }
  return result.subarray(0, length)
}

const special = /^-?(?:NaN|Infinity)$/

/** numeric with a scale: the exact text. Null for NaN and the infinities, which a Decimal cannot hold. */
export const decodeDecimal: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  return special.test(text) ? null : text
}

/** numeric without a scale: [scale, unscaled bytes], trailing zeros cut, the scale never below 0. */
export function variableDecimalDecoder(toBytes: (text: string, scale: number) => Buffer): ValueDecoder {
  return (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    if (special.test(text)) return null
    const stripped = text.includes('.') ? text.replace(/\.?0+$/, '') : text
    const point = stripped.indexOf('.')
    const scale = point < 0 ? 0 : stripped.length - point - 1
    return [scale, toBytes(stripped, scale)]
  }
}

const decimalWords: Readonly<Record<string, string>> = {
  NaN: 'NAN',
  Infinity: 'POSITIVE_INFINITY',
  '-Infinity': 'NEGATIVE_INFINITY',
}

/** numeric as text, with Debezium's words for what is no number. */
export const decodeDecimalText: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  return decimalWords[text] ?? text
}

/** money: its amount as a decimal text. Knows locales that write `.` before the fraction. */
export function moneyText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  const negative = text.startsWith('-') || text.startsWith('(') || text.endsWith('-')
  const digits = text.replace(/[^0-9.]/g, '')
  if (!/^\d+(?:\.\d+)?$/.test(digits))
    throw new DataError(`money value "${text}" is not in a form with "." before cents`)
  return negative ? `-${digits}` : digits
}

/** point, `(1.5,-2.5)`: [x, y, little-endian WKB, srid]. */
export const decodePoint: ValueDecoder = (bytes, start, end) => {
  const [x = NaN, y = NaN] = bytes
    .toString('latin1', start + 1, end - 1)
    .split(',')
    .map(Number)
  const wkb = Buffer.alloc(21)
  wkb[0] = 1
  wkb.writeUInt32LE(1, 1)
  wkb.writeDoubleLE(x, 5)
  wkb.writeDoubleLE(y, 13)
  return [x, y, wkb, null]
}

const sridFlag = 0x2000_0000

/** PostGIS's hex EWKB: [bytes, srid]. */
export const decodeGeometry: ValueDecoder = (bytes, start, end) => {
  const wkb = Buffer.from(bytes.toString('latin1', start, end), 'hex')
  const little = wkb[0] === 1
  const type = little ? wkb.readUInt32LE(1) : wkb.readUInt32BE(1)
  if ((type & sridFlag) === 0) return [wkb, null]
  return [wkb, little ? wkb.readInt32LE(5) : wkb.readInt32BE(5)]
}

/** pgvector's `[1,2,3]`. */
export const decodeVector: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start + 1, end - 1)
  return text === '' ? [] : text.split(',').map(Number)
}

const hstorePair = /"((?:[^"\\]|\\[^])*)"=>(?:NULL|"((?:[^"\\]|\\[^])*)")/g

/** hstore as entries in the server's order. */
export function hstoreEntries(bytes: Buffer, start: number, end: number): [string, string | null][] {
  const unescape = (text: string): string => text.replace(/\\([^])/g, '$1')
  const pairs = bytes.toString('utf8', start, end).matchAll(hstorePair)
  return Array.from(pairs, ([, key = '', value]) => [unescape(key), value === undefined ? null : unescape(value)])
}

export const decodeHstoreMap: ValueDecoder = (bytes, start, end) =>
  new Map<ConnectValue, ConnectValue>(hstoreEntries(bytes, start, end))

export const decodeHstoreJson: ValueDecoder = (bytes, start, end) =>
  `{${hstoreEntries(bytes, start, end)
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join(',')}}`
