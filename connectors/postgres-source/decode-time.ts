import { cursor, dateText, isBc, readDate, readTime, readZone, timeText, two } from './civil-time.ts'
import type { ConnectValue } from 'penstock/api'
import type { ValueDecoder } from './column-type.ts'

const microsPerSecond = 1_000_000
const microsPerDay = 86_400_000_000
const millisPerDay = 86_400_000
/** Days at which microseconds of the epoch leave the safe integers. */
const safeDays = 104_000

function isInfinite(bytes: Buffer, start: number): -1 | 0 | 1 {
  if (bytes[start] === 0x69) return 1
  return bytes[start] === 0x2d && bytes[start + 1] === 0x69 ? -1 : 0
}

// What Debezium's arithmetic makes of the infinities; consumers compare with these constants.
const infiniteDays = { past: -2_147_472_691, future: -2_147_472_692 }
const infiniteMicros = { past: -9_223_372_036_832_400_000n, future: 9_223_372_036_825_200_000n }
const infiniteMillis = { past: -9_223_372_036_832_400n, future: 9_223_372_036_825_200n }
const infiniteNanos = { past: -(2n ** 63n), future: 2n ** 63n - 1n }

function orInfinite(
  infinite: { readonly past: ConnectValue; readonly future: ConnectValue },
  decode: ValueDecoder,
): ValueDecoder {
  return (bytes, start, end) => {
    const sign = isInfinite(bytes, start)
    if (sign === 0) return decode(bytes, start, end)
    return sign > 0 ? infinite.future : infinite.past
  }
}

const infiniteTexts = { past: '-infinity', future: 'infinity' }

/** Days from 1970-01-01. */
export const decodeDays = orInfinite(infiniteDays, readDate)

/** `2024-02-29Z`. */
export const decodeIsoDate = orInfinite(
  infiniteTexts,
  (bytes, start, end) => `${dateText(readDate(bytes, start, end))}Z`,
)

export const decodeTimeMillis: ValueDecoder = (bytes, start, end) => Math.floor(readTime(bytes, start, end) / 1000)
export const decodeTimeMicros: ValueDecoder = (bytes, start, end) => readTime(bytes, start, end)
export const decodeTimeNanos: ValueDecoder = (bytes, start, end) => readTime(bytes, start, end) * 1000
/** `03:04:05.123Z`. */
export const decodeIsoTime: ValueDecoder = (bytes, start, end) => `${timeText(readTime(bytes, start, end))}Z`

/** timetz, shifted to UTC: `10:04:56.789012Z`. */
export const decodeZonedTime: ValueDecoder = (bytes, start, end) => {
  const local = readTime(bytes, start, end)
  const zone = readZone(bytes, cursor.position, end)
  if (zone === 0) return `${timeText(local)}Z`
  const utc = (((local - zone * microsPerSecond) % microsPerDay) + microsPerDay) % microsPerDay
  return `${timeText(utc)}Z`
}

/** timestamp without zone, taken as UTC: milliseconds of the epoch. */
export const decodeMillis = orInfinite(infiniteMillis, (bytes, start, end) => {
  const days = readDate(bytes, start, end)
  return days * millisPerDay + Math.floor(readTime(bytes, cursor.position + 1, end) / 1000)
})

export const decodeMicros = orInfinite(infiniteMicros, (bytes, start, end) => {
  const days = readDate(bytes, start, end)
  const micros = readTime(bytes, cursor.position + 1, end)
  if (Math.abs(days) < safeDays) return days * microsPerDay + micros
  const exact = BigInt(days) * BigInt(microsPerDay) + BigInt(micros)
  const value = Number(exact)
  return Number.isSafeInteger(value) ? value : exact
})

export const decodeNanos = orInfinite(infiniteNanos, (bytes, start, end) => {
  const days = readDate(bytes, start, end)
  const nanos = (BigInt(days) * BigInt(microsPerDay) + BigInt(readTime(bytes, cursor.position + 1, end))) * 1000n
  // Years outside 1677–2262 do not fit 64 bits.
  return nanos === BigInt.asIntN(64, nanos) ? nanos : null
})

/** `2026-02-03T04:05:06.789Z`. */
export const decodeIsoTimestamp = orInfinite(infiniteTexts, (bytes, start, end) => {
  const days = readDate(bytes, start, end)
  return `${dateText(days)}T${timeText(readTime(bytes, cursor.position + 1, end))}Z`
})

/** timestamptz in UTC with exactly `digits` digits of a second's fraction. */
export function zonedTimestampDecoder(digits: number): ValueDecoder {
  return orInfinite(infiniteTexts, (bytes, start, end) => {
    if (isPlainUtc(bytes, start, end)) return plainUtcText(bytes, start, end - 3, digits)
    return zonedText(bytes, start, end, digits)
  })
}

const zonedBytes = Buffer.alloc(32)

/** `2026-02-03 04:05:06[.7]` up to `end` as ISO-8601 text with `digits` digits of a fraction. */
function plainUtcText(bytes: Buffer, start: number, end: number, digits: number): string {
  const length = digits === 0 ? 19 : 20 + digits
  const given = Math.min(end - start, length)
  for (let i = 0; i < given; i += 1) zonedBytes[i] = bytes[start + i] as number
  zonedBytes[10] = 0x54
  for (let i = given; i < length; i += 1) zonedBytes[i] = i === 19 ? 0x2e : 0x30
  zonedBytes[length] = 0x5a
  return zonedBytes.toString('latin1', 0, length + 1)
}

/** A year of four digits, and `+00` at the end: the session runs in UTC. */
function isPlainUtc(bytes: Buffer, start: number, end: number): boolean {
  return bytes[start + 4] === 0x2d && bytes[end - 3] === 0x2b && bytes[end - 2] === 0x30 && bytes[end - 1] === 0x30
}

function zonedText(bytes: Buffer, start: number, end: number, digits: number): string {
  const textEnd = isBc(bytes, start, end) ? end - 3 : end
  let days = readDate(bytes, start, end)
  let micros = readTime(bytes, cursor.position + 1, textEnd)
  micros -= readZone(bytes, cursor.position, textEnd) * microsPerSecond
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

/** An interval's three parts, which Postgres keeps apart. */
interface Interval {
  readonly months: number
  readonly days: number
  readonly micros: number
}

const part = /([+-]?\d+) (year|mon|day)s?/g
const clockPart = /([+-]?)(\d+:\d+:\d+(?:\.\d+)?)$/

function readInterval(bytes: Buffer, start: number, end: number): Interval {
  const text = bytes.toString('latin1', start, end)
  let months = 0
  let days = 0
  for (const [, count, unit] of text.matchAll(part)) {
    if (unit === 'year') months += Number(count) * 12
    else if (unit === 'mon') months += Number(count)
    else days += Number(count)
  }
  const clock = clockPart.exec(text)
  if (clock === null) return { months, days, micros: 0 }
  const time = Buffer.from(clock[2] ?? '', 'latin1')
  const micros = readTime(time, 0, time.length)
  return { months, days, micros: clock[1] === '-' ? -micros : micros }
}

/** A month counts as a twelfth of 365.25 days. */
const microsPerMonth = 2_629_800_000_000

/** Microseconds. */
export const decodeIntervalMicros: ValueDecoder = (bytes, start, end) => {
  const { months, days, micros } = readInterval(bytes, start, end)
  const total = months * microsPerMonth + days * microsPerDay + micros
  if (Number.isSafeInteger(total)) return total
  return BigInt(months) * BigInt(microsPerMonth) + BigInt(days) * BigInt(microsPerDay) + BigInt(micros)
}

/** `P1Y2M3DT4H5M6.78S`, every part written. */
export const decodeIntervalText: ValueDecoder = (bytes, start, end) => {
  const { months, days, micros } = readInterval(bytes, start, end)
  const sign = micros < 0 ? -1 : 1
  const magnitude = Math.abs(micros)
  const seconds = Math.floor(magnitude / microsPerSecond)
  const rest = magnitude - seconds * microsPerSecond
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(6, '0').replace(/0+$/, '')}`
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  const signed = (value: number): number => (value === 0 ? 0 : sign * value)
  const secondsText = `${sign < 0 && (seconds % 60 > 0 || rest > 0) ? '-' : ''}${seconds % 60}${fraction}`
  return `P${Math.trunc(months / 12)}Y${months % 12}M${days}DT${signed(hours)}H${signed(minutes)}M${secondsText}S`
}
