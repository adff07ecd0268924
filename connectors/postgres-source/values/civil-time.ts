import type { DataError } from 'penstock/api'
import { unparsable } from './column-type.ts'

/**
 * Parses dates and times in Postgres' ISO text format from bytes. The calendar is proleptic Gregorian; year 0 is 1 BC.
 * Days count from 1970-01-01. Rejects any other text: nothing is parsed in part.
 * @see https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-DATETIME-OUTPUT
 */

const marchFirstDays = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337]

/** Returns the days from 1970-01-01 to a date; months are 1–12. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = (marchFirstDays[month <= 2 ? month + 9 : month - 3] ?? 0) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Returns the date of a number of days since 1970-01-01. */
export function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** Formats a date as `2024-02-29`; years past 9999 as `+12026-…`, before year 0 as `-0043-…`, as Java does. */
export function dateText(days: number): string {
  const { year, month, day } = civilFromDays(days)
  return `${yearText(year)}-${two(month)}-${two(day)}`
}

function yearText(year: number): string {
  if (year > 9999) return `+${year}`
  if (year < 0) return `-${String(-year).padStart(4, '0')}`
  return String(year).padStart(4, '0')
}

/** Formats microseconds of a day as `HH:MM:SS` and a fraction without trailing zeros; 24:00:00 stays. */
export function timeText(microsOfDay: number): string {
  const seconds = Math.floor(microsOfDay / 1_000_000)
  const micros = microsOfDay - seconds * 1_000_000
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return micros === 0 ? clock : `${clock}.${String(micros).padStart(6, '0').replace(/0+$/, '')}`
}

export function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

const zero = 0x30
const dash = 0x2d
const plus = 0x2b
const colon = 0x3a
const dot = 0x2e
const space = 0x20
/** A number of this many digits always fits a double exactly. */
const exactDigits = 15

/** The position after the last read. Module-level scratch, because parsing never waits. */
export const cursor = { position: 0 }

/** Postgres' calendar: from 4714-11-24 BC to the end of 5874897; timestamps end with 294276. */
const firstDay = daysFromCivil(-4713, 11, 24)
const endOfDates = daysFromCivil(5_874_898, 1, 1)
const endOfTimestamps = daysFromCivil(294_277, 1, 1)

function notATime(): DataError {
  return unparsable('a date or time')
}

/** Rejects a text that was not parsed completely. */
export function requireEnd(end: number): void {
  if (cursor.position !== end) throw notATime()
}

/** Reads at least one digit from `start`; leaves {@link cursor} after them. */
export function readDigits(bytes: Buffer, start: number, end: number): number {
  let value = 0
  let i = start
  for (; i < end; i += 1) {
    const digit = (bytes[i] ?? 0) - zero
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  if (i === start || i - start > exactDigits) throw notATime()
  cursor.position = i
  return value
}

/** The number of two digits; more than 99 when they are not digits. */
function pairAt(bytes: Buffer, position: number): number {
  const tens = (bytes[position] ?? 0) ^ zero
  const ones = (bytes[position + 1] ?? 0) ^ zero
  return tens > 9 || ones > 9 ? 100 : tens * 10 + ones
}

/** Reads two digits at `start`, at most `max`. */
function readPair(bytes: Buffer, start: number, end: number, max: number): number {
  const value = start + 2 > end ? 100 : pairAt(bytes, start)
  if (value > max) throw notATime()
  cursor.position = start + 2
  return value
}

/** Skips one character. */
function step(bytes: Buffer, end: number, character: number): void {
  if (!isAt(bytes, end, character)) throw notATime()
  cursor.position += 1
}

function isAt(bytes: Buffer, end: number, character: number): boolean {
  return cursor.position < end && bytes[cursor.position] === character
}

/** Returns whether the text ends in ` BC`. */
export function isBc(bytes: Buffer, start: number, end: number): boolean {
  return end - start > 3 && bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42 && bytes[end - 3] === space
}

/** Reads `Y…-MM-DD` as days, in a year BC if `bc`; leaves {@link cursor} after the day. */
export function readDate(bytes: Buffer, start: number, end: number, bc: boolean): number {
  const isShort = bytes[start + 4] === dash && bytes[start + 7] === dash && start + 10 <= end
  if (!isShort) return readLongDate(bytes, start, end, bc)
  const century = pairAt(bytes, start)
  const rest = pairAt(bytes, start + 2)
  cursor.position = start + 10
  if (century > 99 || rest > 99) throw notATime()
  const year = century * 100 + rest
  return checkedDays(year, pairAt(bytes, start + 5), pairAt(bytes, start + 8), bc)
}

/** Reads a year with more than four digits. */
function readLongDate(bytes: Buffer, start: number, end: number, bc: boolean): number {
  const year = readDigits(bytes, start, end)
  if (cursor.position - start < 5) throw notATime()
  step(bytes, end, dash)
  const month = readPair(bytes, cursor.position, end, 12)
  step(bytes, end, dash)
  const day = readPair(bytes, cursor.position, end, 31)
  return checkedDays(year, month, day, bc)
}

const monthDays = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function checkedDays(year: number, month: number, day: number, bc: boolean): number {
  if (year === 0 || day === 0 || day > (monthDays[month] ?? 0)) throw notATime()
  const civilYear = bc ? 1 - year : year
  const isLeap = civilYear % 4 === 0 && (civilYear % 100 !== 0 || civilYear % 400 === 0)
  if (month === 2 && day === 29 && !isLeap) throw notATime()
  const days = daysFromCivil(civilYear, month, day)
  if (days < firstDay || days >= endOfDates) throw notATime()
  return days
}

/** Skips the space between the date and the time of a timestamp. */
export function stepToTime(days: number, bytes: Buffer, end: number): number {
  if (days >= endOfTimestamps) throw notATime()
  step(bytes, end, space)
  return cursor.position
}

/** Reads the time of day `HH:MM:SS[.ffffff]` as microseconds; leaves {@link cursor} after it. */
export function readTime(bytes: Buffer, start: number, end: number): number {
  const hours = readPair(bytes, start, end, 24)
  const micros = hours * 3_600_000_000 + readMinutes(bytes, end)
  if (micros > 86_400_000_000) throw notATime()
  return micros
}

/** Reads `:MM:SS[.ffffff]` at {@link cursor} as microseconds; leaves the cursor after it. */
export function readMinutes(bytes: Buffer, end: number): number {
  const start = cursor.position
  if (start + 6 > end || bytes[start] !== colon || bytes[start + 3] !== colon) throw notATime()
  const minutes = pairAt(bytes, start + 1)
  const seconds = pairAt(bytes, start + 4)
  if (minutes > 59 || seconds > 59) throw notATime()
  cursor.position = start + 6
  const micros = minutes * 60_000_000 + seconds * 1_000_000
  if (!isAt(bytes, end, dot)) return micros
  const from = cursor.position + 1
  const fraction = readDigits(bytes, from, end)
  const digits = cursor.position - from
  if (digits > 6) throw notATime()
  return micros + fraction * (fractionUnits[digits] ?? 1)
}

/** Microseconds of the last digit, by the number of digits. */
const fractionUnits = [0, 100_000, 10_000, 1_000, 100, 10, 1]

/** Reads `±HH[:MM[:SS]]` at `start` as seconds east of UTC; leaves {@link cursor} after it. */
export function readZone(bytes: Buffer, start: number, end: number): number {
  const sign = bytes[start] === dash ? -1 : 1
  if (start >= end || (sign > 0 && bytes[start] !== plus)) throw notATime()
  let seconds = readPair(bytes, start + 1, end, 15) * 3600
  if (isAt(bytes, end, colon)) seconds += readPair(bytes, cursor.position + 1, end, 59) * 60
  if (isAt(bytes, end, colon)) seconds += readPair(bytes, cursor.position + 1, end, 59)
  return sign * seconds
}
