/**
 * Dates and times of Postgres's ISO text forms, read from bytes. Days and times are proleptic Gregorian; year 0 is
 * 1 BC. Days count from 1970-01-01.
 */

const marchFirstDays = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337]

/** Days from 1970-01-01 to a date; months 1–12. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = (marchFirstDays[month <= 2 ? month + 9 : month - 3] ?? 0) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** The date of a count of days. */
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

/** A date as `2024-02-29`; years past 9999 as `+12026-…`, before year 0 as `-0043-…`, as Java prints them. */
export function dateText(days: number): string {
  const { year, month, day } = civilFromDays(days)
  return `${yearText(year)}-${two(month)}-${two(day)}`
}

function yearText(year: number): string {
  if (year > 9999) return `+${year}`
  if (year < 0) return `-${String(-year).padStart(4, '0')}`
  return String(year).padStart(4, '0')
}

/** `HH:MM:SS` and the fraction of a second without trailing zeros. Microseconds of a day; 24:00:00 stays so. */
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
const colon = 0x3a
const dot = 0x2e

/** Where a reader stopped; one per module, since nothing here waits. */
export const cursor = { position: 0 }

/** Unsigned digits from `start`; leaves {@link cursor} behind them. */
export function readDigits(bytes: Buffer, start: number, end: number): number {
  let value = 0
  let i = start
  for (; i < end; i += 1) {
    const digit = (bytes[i] ?? 0) - zero
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  cursor.position = i
  return value
}

/** Whether the text ends in ` BC`. */
export function isBc(bytes: Buffer, start: number, end: number): boolean {
  return end - start > 3 && bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42 && bytes[end - 3] === 0x20
}

/** Days of `Y…-MM-DD`; leaves {@link cursor} behind the day. */
export function readDate(bytes: Buffer, start: number, end: number): number {
  const bc = isBc(bytes, start, end)
  const year = readDigits(bytes, start, end)
  const month = readDigits(bytes, cursor.position + 1, end)
  const day = readDigits(bytes, cursor.position + 1, end)
  return daysFromCivil(bc ? 1 - year : year, month, day)
}

/** Microseconds of `HH:MM:SS[.ffffff]`; leaves {@link cursor} behind it. */
export function readTime(bytes: Buffer, start: number, end: number): number {
  const hours = readDigits(bytes, start, end)
  const minutes = readDigits(bytes, cursor.position + 1, end)
  let micros = hours * 3_600_000_000 + minutes * 60_000_000
  if (!stoppedAt(bytes, end, colon)) return micros
  micros += readDigits(bytes, cursor.position + 1, end) * 1_000_000
  if (!stoppedAt(bytes, end, dot)) return micros
  const from = cursor.position + 1
  const fraction = readDigits(bytes, from, end)
  return micros + fraction * 10 ** (6 - (cursor.position - from))
}

/** Seconds east of UTC of `±HH[:MM[:SS]]` at `start`; leaves {@link cursor} behind it. */
export function readZone(bytes: Buffer, start: number, end: number): number {
  const sign = bytes[start] === dash ? -1 : 1
  let seconds = readDigits(bytes, start + 1, end) * 3600
  if (stoppedAt(bytes, end, colon)) seconds += readDigits(bytes, cursor.position + 1, end) * 60
  if (stoppedAt(bytes, end, colon)) seconds += readDigits(bytes, cursor.position + 1, end)
  return sign * seconds
}

function stoppedAt(bytes: Buffer, end: number, character: number): boolean {
  return cursor.position < end && bytes[cursor.position] === character
}
