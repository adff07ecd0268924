import { dateOfDay, dayOfDate, dayOfYear, splitTime, weekdayOf, type CalendarDate } from './calendar.ts'
import { eras, halfDays, months, utcNames, weekdays } from './date-names.ts'
import { parsePattern } from './date-pattern.ts'

/** A time in UTC, in the parts that fields show. */
interface Moment {
  readonly day: number
  readonly date: CalendarDate
  readonly msOfDay: number
}

type Writer = (moment: Moment) => string

/** Formats milliseconds since the epoch. */
export type DateFormatter = (ms: number | bigint) => string

/** Compiles a pattern of `SimpleDateFormat`: UTC, locale en_US. @throws SyntaxError if the pattern is invalid. */
export function dateFormatter(pattern: string): DateFormatter {
  const writers = parsePattern(pattern).map((part): Writer => {
    if ('literal' in part) return () => part.literal
    return fieldWriter(part.letter, part.count)
  })
  // Most records of a run are of the same day.
  let last = { day: 0, date: dateOfDay(0) }
  return (ms) => {
    const { day, msOfDay } = splitTime(ms)
    if (day !== last.day) last = { day, date: dateOfDay(day) }
    const moment = { day, date: last.date, msOfDay }
    let text = ''
    for (const write of writers) text += write(moment)
    return text
  }
}

function fieldWriter(letter: string, count: number): Writer {
  return textWriter(letter, count) ?? timeWriter(letter, count) ?? dateWriter(letter, count)
}

function textWriter(letter: string, count: number): Writer | null {
  switch (letter) {
    case 'G':
      return ({ date }) => eras[date.year > 0 ? 1 : 0]
    case 'E':
      return ({ day }) => shortened(weekdays[weekdayOf(day)] ?? '', count)
    case 'M':
    case 'L':
      return count < 3 ? null : ({ date }) => shortened(months[date.month - 1] ?? '', count)
    case 'a':
      return ({ msOfDay }) => halfDays[msOfDay >= 43_200_000 ? 1 : 0]
    case 'z':
      return () => utcNames[count >= 4 ? 1 : 0]
    case 'Z':
      return () => '+0000'
    case 'X':
      return () => 'Z'
    default:
      return null
  }
}

function shortened(name: string, count: number): string {
  return count >= 4 ? name : name.slice(0, 3)
}

function timeWriter(letter: string, count: number): Writer | null {
  const number = (valueOf: (hour: number, moment: Moment) => number): Writer => {
    return (moment) => padded(valueOf(Math.floor(moment.msOfDay / 3_600_000), moment), count)
  }
  switch (letter) {
    case 'H':
      return number((hour) => hour)
    case 'k':
      return number((hour) => hour || 24)
    case 'K':
      return number((hour) => hour % 12)
    case 'h':
      return number((hour) => hour % 12 || 12)
    case 'm':
      return number((_hour, { msOfDay }) => Math.floor(msOfDay / 60_000) % 60)
    case 's':
      return number((_hour, { msOfDay }) => Math.floor(msOfDay / 1000) % 60)
    case 'S':
      return number((_hour, { msOfDay }) => msOfDay % 1000)
    default:
      return null
  }
}

function dateWriter(letter: string, count: number): Writer {
  const number = (valueOf: (moment: Moment) => number): Writer => {
    return (moment) => padded(valueOf(moment), count)
  }
  switch (letter) {
    case 'y':
      return ({ date }) => yearText(date.year > 0 ? date.year : 1 - date.year, count)
    case 'Y':
      return ({ day }) => yearText(weekOf(day).year, count)
    case 'M':
    case 'L':
      return number(({ date }) => date.month)
    case 'd':
      return number(({ date }) => date.day)
    case 'D':
      return number(({ day }) => dayOfYear(day))
    case 'F':
      return number(({ date }) => Math.floor((date.day - 1) / 7) + 1)
    case 'w':
      return number(({ day }) => weekOf(day).week)
    case 'W':
      return number(({ day, date }) => weekNumber(date.day, weekdayOf(day - date.day + 1)))
    default:
      return number(({ day }) => weekdayOf(day) || 7)
  }
}

/** Weeks begin on Sunday; the week of 1 January is the first of the year. */
function weekOf(day: number): { year: number; week: number } {
  const { year } = dateOfDay(day)
  const nextYear = dayOfDate(year + 1, 1, 1)
  if (day - weekdayOf(day) + 6 >= nextYear) return { year: year + 1, week: 1 }
  return { year, week: weekNumber(dayOfYear(day), weekdayOf(dayOfDate(year, 1, 1))) }
}

function weekNumber(dayInPeriod: number, firstWeekday: number): number {
  return Math.floor((dayInPeriod - 1 + firstWeekday) / 7) + 1
}

function yearText(year: number, count: number): string {
  return count === 2 ? padded(year % 100, 2) : padded(year, count)
}

const twoDigits = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'))

function padded(value: number, digits: number): string {
  if (digits === 2 && value >= 0 && value < 100) return twoDigits[value] ?? ''
  return String(value).padStart(digits, '0')
}
