import { ConfigError, errorMessage } from 'penstock/api'

import { dateOfDay, dayOfDate, dayOfYear, splitTime, weekdayOf, type CalendarDate } from './calendar.ts'
import { eras, halfDays, months, utcNames, weekdays } from './date-names.ts'
import { parsePattern, type PatternPart } from './date-pattern.ts'

/** A day since 1970-01-01, and its date. */
interface Day {
  readonly day: number
  readonly date: CalendarDate
}

/** Writes a part that is the same all day, or one that depends on the time of day. */
type DayWriter = (day: Day) => string
type TimeWriter = (msOfDay: number) => string
type Writer = { readonly day: DayWriter } | { readonly time: TimeWriter }

/** Formats milliseconds since the epoch. */
export type DateFormatter = (ms: number | bigint) => string

/** Compiles a pattern of `SimpleDateFormat`: UTC, locale en_US. @throws SyntaxError if the pattern is invalid. */
export function dateFormatter(pattern: string): DateFormatter {
  const writers = parsePattern(pattern).map(writerOf)
  // Most records of a run are of the same day: its parts are written once.
  let last: number | null = null
  let dayTexts: readonly string[] = []
  const writeDay = (day: number): void => {
    const known = { day, date: dateOfDay(day) }
    dayTexts = writers.map((writer) => ('day' in writer ? writer.day(known) : ''))
    last = day
  }
  const times = writers.map((writer) => ('time' in writer ? writer.time : null))
  return (ms) => {
    const { day, msOfDay } = splitTime(ms)
    if (day !== last) writeDay(day)
    let text = ''
    for (let i = 0; i < times.length; i += 1) text += times[i]?.(msOfDay) ?? dayTexts[i] ?? ''
    return text
  }
}

/** As {@link dateFormatter}, for the pattern of a setting. @throws ConfigError if it is invalid. */
export function configuredFormatter(pattern: string, setting: string): DateFormatter {
  try {
    return dateFormatter(pattern)
  } catch (cause) {
    throw new ConfigError(`Invalid value ${pattern} for configuration ${setting}: ${errorMessage(cause)}`, {
      cause,
      key: setting,
    })
  }
}

function writerOf(part: PatternPart): Writer {
  if ('literal' in part) return { day: () => part.literal }
  const time = timeWriter(part.letter, part.count)
  return time === null ? { day: dayWriter(part.letter, part.count) } : { time }
}

function timeWriter(letter: string, count: number): TimeWriter | null {
  const hours = (valueOf: (hour: number) => number): TimeWriter => {
    return (msOfDay) => padded(valueOf(Math.floor(msOfDay / 3_600_000)), count)
  }
  switch (letter) {
    case 'H':
      return hours((hour) => hour)
    case 'k':
      return hours((hour) => hour || 24)
    case 'K':
      return hours((hour) => hour % 12)
    case 'h':
      return hours((hour) => hour % 12 || 12)
    case 'm':
      return (msOfDay) => padded(Math.floor(msOfDay / 60_000) % 60, count)
    case 's':
      return (msOfDay) => padded(Math.floor(msOfDay / 1000) % 60, count)
    case 'S':
      return (msOfDay) => padded(msOfDay % 1000, count)
    case 'a':
      return (msOfDay) => halfDays[msOfDay >= 43_200_000 ? 1 : 0]
    default:
      return null
  }
}

function dayWriter(letter: string, count: number): DayWriter {
  switch (letter) {
    case 'G':
      return ({ date }) => eras[date.year > 0 ? 1 : 0]
    case 'E':
      return ({ day }) => shortened(weekdays[weekdayOf(day)] ?? '', count)
    case 'z':
      return () => utcNames[count >= 4 ? 1 : 0]
    case 'Z':
      return () => '+0000'
    case 'X':
      return () => 'Z'
    case 'y':
      return ({ date }) => yearText(date.year > 0 ? date.year : 1 - date.year, count)
    case 'Y':
      return ({ day }) => yearText(weekOf(day).year, count)
    case 'M':
    case 'L':
      if (count > 2) return ({ date }) => shortened(months[date.month - 1] ?? '', count)
      return ({ date }) => padded(date.month, count)
    default:
      return numberWriter(letter, count)
  }
}

function numberWriter(letter: string, count: number): DayWriter {
  const number = (valueOf: (day: Day) => number): DayWriter => {
    return (day) => padded(valueOf(day), count)
  }
  switch (letter) {
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

function shortened(name: string, count: number): string {
  return count >= 4 ? name : name.slice(0, 3)
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
