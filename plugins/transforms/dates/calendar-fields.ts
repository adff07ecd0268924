import { dateOfDay, dayMs, dayOfDate, splitTime } from './calendar.ts'

export type FieldName =
  | 'era'
  | 'year'
  | 'month'
  | 'day'
  | 'dayOfYear'
  | 'hour'
  | 'halfHour'
  | 'halfDay'
  | 'minute'
  | 'second'
  | 'millisecond'

/** The fields of a date that is being parsed. Which of two fields counts is decided by the one that was set last. */
export interface CalendarFields {
  set(field: FieldName, value: number): void
  /** Sets a year of two digits: it is within 80 years before and 20 years after now. */
  setShortYear(value: number): void
  /** Sets the offset of the time zone, in minutes. */
  setOffset(minutes: number): void
  /** Returns the milliseconds since the epoch. Fields outside of their ranges carry over, as in Java's lenient calendars. */
  time(): number | bigint
}

/** Returns fields as of Java's `GregorianCalendar`. */
export function javaFields(nowMs: number): CalendarFields {
  const values = new Map<FieldName, number>()
  let offsetMinutes = 0
  let isAmbiguousYear = false
  const centuryStart = (): number => {
    const { day, msOfDay } = splitTime(nowMs)
    const now = dateOfDay(day)
    return dayOfDate(now.year - 80, now.month, now.day) * dayMs + msOfDay
  }
  return {
    set(field, value) {
      // The order of the map is the order in which fields were set.
      values.delete(field)
      values.set(field, value)
    },
    setShortYear(value) {
      const startYear = dateOfDay(splitTime(centuryStart()).day).year
      const ambiguous = startYear % 100
      isAmbiguousYear = value === ambiguous
      this.set('year', value + Math.floor(startYear / 100) * 100 + (value < ambiguous ? 100 : 0))
    },
    setOffset(minutes) {
      offsetMinutes = minutes
    },
    time() {
      const found = timeOf(values, offsetMinutes)
      if (!isAmbiguousYear || found >= centuryStart()) return found
      return timeOf(new Map([...values, ['year', (values.get('year') ?? 0) + 100]]), offsetMinutes)
    },
  }
}

function timeOf(values: ReadonlyMap<FieldName, number>, offsetMinutes: number): number | bigint {
  const value = (field: FieldName): number => values.get(field) ?? 0
  const order = [...values.keys()]
  const place = (field: FieldName): number => order.indexOf(field)
  const year = values.get('era') === 0 ? 1 - (values.get('year') ?? 1970) : (values.get('year') ?? 1970)
  const day =
    place('dayOfYear') > place('day')
      ? dayOfDate(year, 1, value('dayOfYear'))
      : dayOfDate(year, value('month') + 1, values.get('day') ?? 1)
  const hours = hoursOf(values, place)
  const msOfDay =
    hours * 3_600_000 + (value('minute') - offsetMinutes) * 60_000 + value('second') * 1000 + value('millisecond')
  const ms = day * dayMs + msOfDay
  return Number.isSafeInteger(ms) ? ms : BigInt.asIntN(64, BigInt(day) * BigInt(dayMs) + BigInt(msOfDay))
}

function hoursOf(values: ReadonlyMap<FieldName, number>, place: (field: FieldName) => number): number {
  const halves = values.has('halfHour') && values.has('halfDay') ? Math.max(place('halfHour'), place('halfDay')) : -1
  const usesHalves = values.has('hour') ? halves > place('hour') : true
  if (!usesHalves) return values.get('hour') ?? 0
  return (values.get('halfHour') ?? 0) + 12 * (values.get('halfDay') ?? 0)
}
