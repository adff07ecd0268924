import { assert } from 'penstock/api'

export const dayMs = 86_400_000

/** The day on which the Gregorian calendar begins in Java's `GregorianCalendar`: 15 October 1582. */
const cutoverDay = -141_427

/** A date of the Julian calendar before {@link cutoverDay}, and of the Gregorian calendar from it on. */
export interface CalendarDate {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
}

/** A day counts from 1970-01-01. */
export function dateOfDay(day: number): CalendarDate {
  return day >= cutoverDay ? gregorianDate(day) : julianDate(day)
}

/** Returns the day of a date; months and days may be outside of their ranges, as in a lenient calendar. */
export function dayOfDate(year: number, month: number, day: number): number {
  const first = year + Math.floor((month - 1) / 12)
  const normal = modulo(month - 1, 12) + 1
  const gregorian = gregorianDay(first, normal) + day - 1
  return gregorian >= cutoverDay ? gregorian : julianDay(first, normal) + day - 1
}

/** 0 is Sunday. */
export function weekdayOf(day: number): number {
  return modulo(day + 4, 7)
}

/** 1 is the first day of the year. */
export function dayOfYear(day: number): number {
  return day - dayOfDate(dateOfDay(day).year, 1, 1) + 1
}

/** Returns the day and the millisecond of the day of a time. */
export function splitTime(ms: number | bigint): { readonly day: number; readonly msOfDay: number } {
  if (typeof ms === 'number') return { day: Math.floor(ms / dayMs), msOfDay: modulo(ms, dayMs) }
  const day = ms >= 0n ? ms / BigInt(dayMs) : -((-ms + BigInt(dayMs) - 1n) / BigInt(dayMs))
  return { day: Number(day), msOfDay: Number(ms - day * BigInt(dayMs)) }
}

// In both calendars the year begins in March, so that the leap day is its last.

function gregorianDay(year: number, month: number): number {
  const y = month <= 2 ? year - 1 : year
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayBeforeMonth(month) - 719_468
}

function julianDay(year: number, month: number): number {
  const y = month <= 2 ? year - 1 : year
  return 365 * y + Math.floor(y / 4) + dayBeforeMonth(month) - 719_470
}

function dayBeforeMonth(month: number): number {
  return Math.floor((153 * ((month + 9) % 12) + 2) / 5)
}

function gregorianDate(day: number): CalendarDate {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const rest = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  return fromMarch(era * 400 + yearOfEra, rest)
}

function julianDate(day: number): CalendarDate {
  const shifted = day + 719_470
  const cycle = Math.floor(shifted / 1461)
  const ofCycle = shifted - cycle * 1461
  const year = Math.min(3, Math.floor(ofCycle / 365))
  return fromMarch(cycle * 4 + year, ofCycle - 365 * year)
}

function fromMarch(year: number, rest: number): CalendarDate {
  const index = Math.floor((5 * rest + 2) / 153)
  const month = index < 10 ? index + 3 : index - 9
  assert(month >= 1 && month <= 12, 'a year has twelve months')
  return { year: month <= 2 ? year + 1 : year, month, day: rest - Math.floor((153 * index + 2) / 5) + 1 }
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
