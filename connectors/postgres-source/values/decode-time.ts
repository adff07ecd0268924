import type { ConnectValue } from 'penstock/api'
import {
  cursor,
  dateText,
  isBc,
  readDate,
  readTime,
  readZone,
  requireEnd,
  stepToTime,
  timeText,
  two,
} from './civil-time.ts'
import type { OnUnrepresentable, ValueDecoder } from './column-type.ts'

const microsPerSecond = 1_000_000
export const microsPerDay = 86_400_000_000
const millisPerDay = 86_400_000
/** From this number of days on, microseconds since the epoch are not safe integers. */
const safeDays = 104_000

const positive = Buffer.from('infinity')
const negative = Buffer.from('-infinity')

function isInfinite(bytes: Buffer, start: number, end: number): -1 | 0 | 1 {
  const first = bytes[start]
  if (first === 0x69) return positive.compare(bytes, start, end) === 0 ? 1 : 0
  return first === 0x2d && negative.compare(bytes, start, end) === 0 ? -1 : 0
}

// The results of Debezium's arithmetic for the infinities: consumers compare with these constants.
const infiniteDays = { past: -2_147_472_691, future: -2_147_472_692 }
const infiniteMicros = { past: -9_223_372_036_832_400_000n, future: 9_223_372_036_825_200_000n }
const infiniteMillis = { past: -9_223_372_036_832_400n, future: 9_223_372_036_825_200n }
const infiniteNanos = { past: -(2n ** 63n), future: 2n ** 63n - 1n }

/** Decodes the infinities as given, and any other text with `decode`. */
export function orInfinite(
  infinite: { readonly past: ConnectValue; readonly future: ConnectValue },
  decode: ValueDecoder,
): ValueDecoder {
  return (bytes, start, end) => {
    const sign = isInfinite(bytes, start, end)
    if (sign === 0) return decode(bytes, start, end)
    return sign > 0 ? infinite.future : infinite.past
  }
}

export const infiniteTexts = { past: '-infinity', future: 'infinity' }

function wholeDate(bytes: Buffer, start: number, end: number): number {
  const bc = isBc(bytes, start, end)
  const textEnd = bc ? end - 3 : end
  const days = readDate(bytes, start, textEnd, bc)
  requireEnd(textEnd)
  return days
}

function wholeTime(bytes: Buffer, start: number, end: number): number {
  const micros = readTime(bytes, start, end)
  requireEnd(end)
  return micros
}

/** The last timestamp that was read. Module-level scratch, because parsing never waits. */
const moment = { days: 0, micros: 0 }

function readTimestamp(bytes: Buffer, start: number, end: number): void {
  const bc = isBc(bytes, start, end)
  const textEnd = bc ? end - 3 : end
  const days = readDate(bytes, start, textEnd, bc)
  moment.days = days
  moment.micros = readTime(bytes, stepToTime(days, bytes, textEnd), textEnd)
  requireEnd(textEnd)
}

/** Days since 1970-01-01. */
export const decodeDays = orInfinite(infiniteDays, wholeDate)

/** `2024-02-29Z`. */
export const decodeIsoDate = orInfinite(
  infiniteTexts,
  (bytes, start, end) => `${dateText(wholeDate(bytes, start, end))}Z`,
)

export const decodeTimeMillis: ValueDecoder = (bytes, start, end) => Math.floor(wholeTime(bytes, start, end) / 1000)
export const decodeTimeMicros: ValueDecoder = wholeTime
export const decodeTimeNanos: ValueDecoder = (bytes, start, end) => wholeTime(bytes, start, end) * 1000
/** `03:04:05.123Z`; 24:00 becomes 00:00, because ISO times end before it. */
export const decodeIsoTime: ValueDecoder = (bytes, start, end) =>
  `${timeText(wholeTime(bytes, start, end) % microsPerDay)}Z`

/** timetz in UTC: `10:04:56.789012Z`. */
export const decodeZonedTime: ValueDecoder = (bytes, start, end) => {
  const local = readTime(bytes, start, end)
  const zone = readZone(bytes, cursor.position, end)
  requireEnd(end)
  const utc = (((local - zone * microsPerSecond) % microsPerDay) + microsPerDay) % microsPerDay
  return `${timeText(utc)}Z`
}

/** timestamp without time zone, taken as UTC: milliseconds since the epoch. */
export const decodeMillis = orInfinite(infiniteMillis, (bytes, start, end) => {
  readTimestamp(bytes, start, end)
  const millis = Math.floor(moment.micros / 1000)
  const value = moment.days * millisPerDay + millis
  return Number.isSafeInteger(value) ? value : BigInt(moment.days) * BigInt(millisPerDay) + BigInt(millis)
})

const outsideMicros = 'a timestamp after the year 294246, which does not fit microseconds in 64 bits'
const outsideNanos = 'a timestamp outside the years 1677 to 2262, which does not fit nanoseconds in 64 bits'

export function fitsInt64(value: bigint): boolean {
  return value === BigInt.asIntN(64, value)
}

export function microsDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return orInfinite(infiniteMicros, (bytes, start, end) => {
    readTimestamp(bytes, start, end)
    const { days, micros } = moment
    if (Math.abs(days) < safeDays) return days * microsPerDay + micros
    const exact = BigInt(days) * BigInt(microsPerDay) + BigInt(micros)
    if (!fitsInt64(exact)) return onUnrepresentable(outsideMicros)
    const value = Number(exact)
    return Number.isSafeInteger(value) ? value : exact
  })
}

export function nanosDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return orInfinite(infiniteNanos, (bytes, start, end) => {
    readTimestamp(bytes, start, end)
    const nanos = (BigInt(moment.days) * BigInt(microsPerDay) + BigInt(moment.micros)) * 1000n
    return fitsInt64(nanos) ? nanos : onUnrepresentable(outsideNanos)
  })
}

/** `2026-02-03T04:05:06.789Z`. */
export const decodeIsoTimestamp = orInfinite(infiniteTexts, (bytes, start, end) => {
  readTimestamp(bytes, start, end)
  return `${dateText(moment.days)}T${timeText(moment.micros)}Z`
})

/** timestamptz in UTC with exactly `digits` fraction digits. */
export function zonedTimestampDecoder(digits: number): ValueDecoder {
  const length = digits === 0 ? 19 : 20 + digits
  const decode = orInfinite(
    infiniteTexts,
    (bytes, start, end) => plainUtcText(bytes, start, end, length) ?? zonedText(bytes, start, end, digits),
  )
  // The rows of a transaction often share the value of now().
  const known = Buffer.alloc(longestKnown)
  let knownLength = -1
  let value: ConnectValue = null
  return (bytes, start, end) => {
    const given = end - start
    if (given === knownLength && isSame(known, bytes, start, given)) return value
    value = decode(bytes, start, end)
    knownLength = given <= longestKnown ? given : -1
    bytes.copy(known, 0, start, end)
    return value
  }
}

const longestKnown = 32

/** Compares from the end: different times differ in their last digits first. */
function isSame(known: Buffer, bytes: Buffer, start: number, length: number): boolean {
  let i = length - 1
  while (i >= 0 && known[i] === bytes[start + i]) i -= 1
  return i < 0
}

const zonedBytes = Buffer.alloc(32)

/**
 * Converts `2026-02-03 04:05:06[.7]+00` to ISO 8601 text of `length` characters and a Z; the session's time zone is UTC.
 * Null for any other format, a day that not every year has, and a fraction with more digits.
 */
function plainUtcText(bytes: Buffer, start: number, end: number, length: number): string | null {
  const given = end - 3 - start
  if (given !== 19 && (given < 21 || given > length)) return null
  if (bytes[end - 3] !== 0x2b || bytes[end - 2] !== 0x30 || bytes[end - 1] !== 0x30) return null
  let others = 0
  for (let i = 0; i < given; i += 1) {
    const byte = bytes[start + i] as number
    zonedBytes[i] = byte
    if ((byte ^ 0x30) > 9) others += 1
  }
  if (!isPlain(given === 19 ? 5 : 6, others)) return null
  zonedBytes[10] = 0x54
  for (let i = given; i < length; i += 1) zonedBytes[i] = i === 19 ? 0x2e : 0x30
  zonedBytes[length] = 0x5a
  return zonedBytes.toString('latin1', 0, length + 1)
}

/** Returns whether the copied text has separators only where they belong, and valid parts of a date and a time. */
function isPlain(expected: number, others: number): boolean {
  const text = zonedBytes
  if (others !== expected || (expected === 6 && text[19] !== 0x2e)) return false
  if (text[4] !== 0x2d || text[7] !== 0x2d || text[10] !== 0x20 || text[13] !== 0x3a || text[16] !== 0x3a) return false
  const day = partAt(8)
  const isDay = day > 0 && day <= (everyYearDays[partAt(5)] ?? 0)
  return isDay && partAt(11) < 24 && partAt(14) < 60 && partAt(17) < 60
}

const everyYearDays = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function partAt(position: number): number {
  return ((zonedBytes[position] ?? 0) - 0x30) * 10 + (zonedBytes[position + 1] ?? 0) - 0x30
}

function zonedText(bytes: Buffer, start: number, end: number, digits: number): string {
  const bc = isBc(bytes, start, end)
  const textEnd = bc ? end - 3 : end
  let days = readDate(bytes, start, textEnd, bc)
  let micros = readTime(bytes, stepToTime(days, bytes, textEnd), textEnd)
  micros -= readZone(bytes, cursor.position, textEnd) * microsPerSecond
  requireEnd(textEnd)
  const shift = Math.floor(micros / microsPerDay)
  days += shift
  micros -= shift * microsPerDay
  const seconds = Math.floor(micros / microsPerSecond)
  const fraction = String(micros - seconds * microsPerSecond)
    .padStart(6, '0')
    .slice(0, digits)
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${dateText(days)}T${clock}${digits === 0 ? '' : `.${fraction}`}Z`
}
