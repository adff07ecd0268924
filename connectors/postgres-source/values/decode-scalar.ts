import { DataError, type ConnectValue } from 'penstock/api'
import type { BinaryMode, OnUnrepresentable, ValueDecoder } from './column-type.ts'

const zero = 0x30
const dash = 0x2d
const backslash = 0x5c
const dot = 0x2e
/** A number of this many digits always fits a double exactly. */
const exactDigits = 15

function unparsable(what: string): DataError {
  return new DataError(`the text is not ${what} in the format of Postgres`)
}

/** An integer from `least` to `most`: a number when it is safe, else a bigint. */
function integerDecoder(least: bigint, most: bigint): ValueDecoder {
  const [low, high] = [Number(least), Number(most)]
  return (bytes, start, end) => {
    const negative = bytes[start] === dash
    let i = negative ? start + 1 : start
    if (i >= end || (bytes[i] === zero && i + 1 < end)) throw unparsable('an integer')
    if (end - i > exactDigits) return bigInteger(bytes.toString('latin1', start, end), least, most)
    let value = 0
    for (; i < end; i += 1) {
      const digit = (bytes[i] ?? 0) - zero
      if (digit < 0 || digit > 9) throw unparsable('an integer')
      value = value * 10 + digit
    }
    if (negative && value !== 0) value = -value
    if (value < low || value > high) throw unparsable('an integer of its type')
    return value
  }
}

export const decodeInt16 = integerDecoder(-(2n ** 15n), 2n ** 15n - 1n)
export const decodeInt32 = integerDecoder(-(2n ** 31n), 2n ** 31n - 1n)
export const decodeOid = integerDecoder(0n, 2n ** 32n - 1n)
export const decodeInteger = integerDecoder(-(2n ** 63n), 2n ** 63n - 1n)

function bigInteger(text: string, least: bigint, most: bigint): number | bigint {
  if (!/^-?\d{1,19}$/.test(text)) throw unparsable('an integer')
  const exact = BigInt(text)
  if (exact < least || exact > most) throw unparsable('an integer of its type')
  const value = Number(exact)
  return Number.isSafeInteger(value) ? value : exact
}

const infinite = /^-?Infinity$/
/** Text that means zero, and not a number too small for a double. */
const zeroForm = /^-?0+(?:\.0+)?(?:e|$)/

/** Postgres and JavaScript write numbers, NaN and the infinities alike. */
export const decodeFloat: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  // Number() accepts more than Postgres writes: blanks, the empty text, and other bases.
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    const isDigit = code >= zero && code <= 0x39
    if (!isDigit && code !== 0x2e && code !== dash && code !== 0x2b && code !== 0x65) return wordOfFloat(text)
  }
  const value = Number(text)
  if (text === '' || !Number.isFinite(value) || (value === 0 && !zeroForm.test(text))) throw unparsable('a number')
  return value
}

function wordOfFloat(text: string): number {
  if (text === 'NaN') return NaN
  if (!infinite.test(text)) throw unparsable('a number')
  return text.startsWith('-') ? -Infinity : Infinity
}

export const decodeBoolean: ValueDecoder = (bytes, start, end) => {
  if (end - start !== 1 || (bytes[start] !== 0x74 && bytes[start] !== 0x66)) throw unparsable('a boolean')
  return bytes[start] === 0x74
}

export const decodeText: ValueDecoder = (bytes, start, end) => bytes.toString('utf8', start, end)

export const decodeAscii: ValueDecoder = (bytes, start, end) => bytes.toString('latin1', start, end)

const hexPairs = /^(?:[0-9a-f]{2})*$/

/** Decodes hexadecimal digits; rejects anything else. */
function bytesOfHex(text: string, what: string): Buffer {
  const decoded = Buffer.from(text, 'hex')
  if (decoded.length * 2 !== text.length) throw unparsable(what)
  return decoded
}

/** bytea in hex format, `\x00ff`. */
export function binaryDecoder(mode: BinaryMode): ValueDecoder {
  const hex = (bytes: Buffer, start: number, end: number): string => {
    if (bytes[start] !== backslash || bytes[start + 1] !== 0x78 || end - start < 2) throw unparsable('bytea')
    return bytes.toString('latin1', start + 2, end)
  }
  if (mode === 'hex') {
    return (bytes, start, end) => {
      const text = hex(bytes, start, end)
      if (!hexPairs.test(text)) throw unparsable('bytea')
      return text
    }
  }
  if (mode === 'bytes') return (bytes, start, end) => bytesOfHex(hex(bytes, start, end), 'bytea')
  const encode = binaryText(mode)
  return (bytes, start, end) => encode(bytesOfHex(hex(bytes, start, end), 'bytea'))
}

/** Returns the function that encodes bytes as text in a text mode. */
export function binaryText(mode: Exclude<BinaryMode, 'bytes'>): (bytes: Buffer) => string {
  if (mode === 'hex') return (bytes) => bytes.toString('hex')
  if (mode === 'base64') return (bytes) => bytes.toString('base64')
  return (bytes) => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** bit(1), or varbit(1), which may be empty, as a boolean. */
export function bitDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    if (end === start) return onUnrepresentable('an empty bit string, which a boolean cannot represent')
    if (end - start !== 1 || !isBit(bytes[start])) throw unparsable('a bit')
    return bytes[start] === 0x31
  }
}

function isBit(byte: number | undefined): boolean {
  return byte === 0x30 || byte === 0x31
}

/** A bit string as a number, lowest byte first, without leading zeros: `00000101` is [5]. */
export const decodeBits: ValueDecoder = (bytes, start, end) => {
  const result = Buffer.alloc(Math.ceil((end - start) / 8))
  let length = 0
  for (let bit = 0; bit < end - start; bit += 1) {
    const byte = bytes[end - 1 - bit]
    if (!isBit(byte)) throw unparsable('a bit string')
    if (byte !== 0x31) continue
    const index = bit >> 3
    result[index] = (result[index] ?? 0) | (1 << (bit & 7))
    length = index + 1
  }
  return result.subarray(0, length)
}

const plainDecimal = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const special = /^(?:NaN|-?Infinity)$/

/** The text of a numeric. Null for NaN and the infinities, which a Decimal cannot represent. */
function decimalText(text: string, onUnrepresentable: OnUnrepresentable): string | null {
  if (plainDecimal.test(text)) return text
  if (special.test(text)) return onUnrepresentable('NaN or an infinity, which a Decimal cannot represent')
  throw unparsable('a numeric')
}

/** Returns whether the text is only digits with at most one point between them, and no leading zero. */
function isPlainDecimal(bytes: Buffer, start: number, end: number): boolean {
  let point = end
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number
    if ((byte ^ zero) <= 9) continue
    if (byte !== dot || point !== end) return false
    point = i
  }
  return point > start && point !== end - 1 && (bytes[start] !== zero || point === start + 1)
}

/** numeric with a scale: the exact text. */
export function decimalDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    return isPlainDecimal(bytes, start, end) ? text : decimalText(text, onUnrepresentable)
  }
}

/** numeric without a scale: [scale, unscaled bytes], without trailing zeros; the scale is never negative. */
export function variableDecimalDecoder(
  toBytes: (text: string, scale: number) => Buffer,
  onUnrepresentable: OnUnrepresentable,
): ValueDecoder {
  return (bytes, start, end) => {
    const text = decimalText(bytes.toString('latin1', start, end), onUnrepresentable)
    if (text === null) return null
    const stripped = text.includes('.') ? text.replace(/\.?0+$/, '') : text
    const point = stripped.indexOf('.')
    const scale = point < 0 ? 0 : stripped.length - point - 1
    return [scale, toBytes(stripped, scale)]
  }
}

/** numeric as a double. */
export function doubleDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    if (!plainDecimal.test(text)) return wordOfFloat(text)
    const value = Number(text)
    if (value === 0) return 0
    return Number.isFinite(value) ? value : onUnrepresentable('a number too large for a double')
  }
}

const decimalWords: Readonly<Record<string, string>> = {
  NaN: 'NAN',
  Infinity: 'POSITIVE_INFINITY',
  '-Infinity': 'NEGATIVE_INFINITY',
}

/** numeric as text, with Debezium's words for values that are not numbers. */
export const decodeDecimalText: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  if (plainDecimal.test(text)) return text
  const word = decimalWords[text]
  if (word === undefined) throw unparsable('a numeric')
  return word
}

/** An amount with `,` between thousands and `.` before the fraction. */
const moneyForm = /^([-(]?)([^\d.,()-]*)(-?)(0|[1-9]\d{0,2}(?:,\d{3})*|[1-9]\d*)(\.\d{2})?([^\d.,()-]*)([-)]?)$/

/** Returns the amount of a money value as a decimal text. Supports locales that write `.` before the fraction. */
export function moneyText(bytes: Buffer, start: number, end: number): string {
  const parts = moneyForm.exec(bytes.toString('utf8', start, end))
  const [, before = '', sign = '', inner = '', whole = '', fraction = '', signBehind = '', behind = ''] = parts ?? []
  const signs = before + inner + behind
  const isOne = signs.length < 2 ? signs !== '(' && signs !== ')' : signs === '()'
  if (parts === null || !isOne || (sign !== '' && signBehind !== '')) {
    throw new DataError('the amount of money has no "." before its fraction (lc_monetary)')
  }
  return `${signs === '' ? '' : '-'}${whole.replaceAll(',', '')}${fraction}`
}

/** money as a decimal with this many fraction digits. */
export function moneyDecoder(digits: number, onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    const text = moneyText(bytes, start, end)
    const point = text.indexOf('.')
    const fits = point < 0 || !/[1-9]/.test(text.slice(point + 1 + digits))
    if (!fits) return onUnrepresentable('an amount with more fraction digits than money.fraction.digits')
    return point < 0 ? text : text.slice(0, point + 1 + digits).replace(/\.$/, '')
  }
}

function floats(text: string): number[] {
  return text.split(',').map((item) => {
    const bytes = Buffer.from(item, 'latin1')
    return Number(decodeFloat(bytes, 0, bytes.length))
  })
}

/** point, `(1.5,-2.5)`: [x, y, little-endian WKB, srid]. */
export const decodePoint: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  const [x, y, ...more] = floats(text.slice(1, -1))
  const isWhole = text.startsWith('(') && text.endsWith(')')
  if (!isWhole || x === undefined || y === undefined || more.length > 0) throw unparsable('a point')
  const wkb = Buffer.alloc(21)
  wkb[0] = 1
  wkb.writeUInt32LE(1, 1)
  wkb.writeDoubleLE(x, 5)
  wkb.writeDoubleLE(y, 13)
  return [x, y, wkb, null]
}

const sridFlag = 0x2000_0000

/** PostGIS's hexadecimal EWKB: [bytes, srid]. */
export const decodeGeometry: ValueDecoder = (bytes, start, end) => {
  const wkb = bytesOfHex(bytes.toString('latin1', start, end), 'a geometry')
  if (wkb.length < 9 || (wkb[0] !== 0 && wkb[0] !== 1)) throw unparsable('a geometry')
  const little = wkb[0] === 1
  const type = little ? wkb.readUInt32LE(1) : wkb.readUInt32BE(1)
  if ((type & sridFlag) === 0) return [wkb, null]
  return [wkb, little ? wkb.readInt32LE(5) : wkb.readInt32BE(5)]
}

/** pgvector's `[1,2,3]`. */
export const decodeVector: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  if (text.length < 2 || !text.startsWith('[') || !text.endsWith(']')) throw unparsable('a vector')
  return text.length === 2 ? [] : floats(text.slice(1, -1))
}

const hstorePair = /"((?:[^"\\]|\\[^])*)"=>(?:NULL|"((?:[^"\\]|\\[^])*)")(?:, |$)/y

/** hstore as entries in the order of the server. */
export function hstoreEntries(bytes: Buffer, start: number, end: number): [string, string | null][] {
  const text = bytes.toString('utf8', start, end)
  const unescape = (part: string): string => part.replace(/\\([^])/g, '$1')
  const entries: [string, string | null][] = []
  hstorePair.lastIndex = 0
  for (let position = 0; position < text.length; position = hstorePair.lastIndex) {
    const pair = hstorePair.exec(text)
    if (pair === null) throw unparsable('an hstore')
    const [, key = '', value] = pair
    entries.push([unescape(key), value === undefined ? null : unescape(value)])
  }
  if (text.endsWith(', ')) throw unparsable('an hstore')
  return entries
}

export const decodeHstoreMap: ValueDecoder = (bytes, start, end) =>
  new Map<ConnectValue, ConnectValue>(hstoreEntries(bytes, start, end))

export const decodeHstoreJson: ValueDecoder = (bytes, start, end) =>
  `{${hstoreEntries(bytes, start, end)
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join(',')}}`
