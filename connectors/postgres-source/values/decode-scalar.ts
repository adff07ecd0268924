import type { ConnectValue } from 'penstock/api'
import { unparsable, type BinaryMode, type OnUnrepresentable, type ValueDecoder } from './column-type.ts'
import { decodeFloat } from './decode-number.ts'

const backslash = 0x5c

export const decodeBoolean: ValueDecoder = (bytes, start, end) => {
  if (end - start !== 1 || (bytes[start] !== 0x74 && bytes[start] !== 0x66)) throw unparsable('a boolean')
  return bytes[start] === 0x74
}

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
function hstoreEntries(bytes: Buffer, start: number, end: number): [string, string | null][] {
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
