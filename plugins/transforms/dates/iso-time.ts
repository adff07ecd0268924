/** A time with an offset from UTC, which is part of its ISO text. */
export interface OffsetTime {
  /** Seconds of the local time: since the epoch, or since midnight for a time without a date. */
  readonly local: number
  readonly nanos: string
  readonly offset: number
}

const time = '(\\d{2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{0,9}))?)?'
/** Java is lenient with the offset of a time with a date. */
const offsetText = '(Z|[+-]\\d{1,2}(?::\\d{2}(?::\\d{2})?)?)'
const dateTimes = new RegExp(`^([+-]?\\d{4,9})-(\\d{2})-(\\d{2})T${time}${offsetText}$`, 'i')
const strictOffset = '(Z|[+-]\\d{2}:\\d{2}(?::\\d{2})?)'
const times = new RegExp(`^${time}${strictOffset}$`, 'i')

/** Parses a text of Java's ISO_OFFSET_DATE_TIME; null if it is none. */
export function parseOffsetDateTime(text: string): OffsetTime | null {
  const match = dateTimes.exec(text)
  if (match === null) return null
  const [, year = '', month = '', dayOfMonth = '', ...clock] = match
  const [y, m, d] = [Number(year), Number(month), Number(dayOfMonth)]
  if (m < 1 || m > 12 || d < 1 || d > daysIn(y, m)) return null
  if (year.startsWith('+') !== y > 9999) return null
  const parsed = offsetTime(clock)
  return parsed === null ? null : { ...parsed, local: parsed.local + dayNumber(y, m, d) * 86_400 }
}

/** Parses a text of Java's ISO_OFFSET_TIME; null if it is none. */
export function parseOffsetTime(text: string): OffsetTime | null {
  const match = times.exec(text)
  return match === null ? null : offsetTime(match.slice(1))
}

function offsetTime([hour = '', minute = '', second = '0', fraction = '', offset = '']: readonly (
  | string
  | undefined
)[]): OffsetTime | null {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)]
  if (h > 23 || m > 59 || s > 59) return null
  return { local: h * 3600 + m * 60 + s, nanos: fraction.padEnd(9, '0'), offset: offsetSeconds(offset) }
}

function offsetSeconds(text: string): number {
  const match = /^([+-])(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?$/.exec(text)
  if (match === null) return 0
  const [, sign, hours, minutes = '0', seconds = '0'] = match
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return sign === '-' ? -total : total
}

/** Returns the ISO text of a local time with a date. */
export function offsetDateTimeText({ local, nanos, offset }: OffsetTime): string {
  const days = Math.floor(local / 86_400)
  const { year, month, day } = dateOf(days)
  const digits = String(Math.abs(year)).padStart(4, '0')
  const sign = year < 0 ? '-' : year > 9999 ? '+' : ''
  const clock = clockText(local - days * 86_400, nanos)
  return `${sign}${digits}-${two(month)}-${two(day)}T${clock}${offsetId(offset)}`
}

/** Returns the ISO text of a local time, which may be on another day. */
export function offsetTimeText({ local, nanos, offset }: OffsetTime): string {
  return clockText(((local % 86_400) + 86_400) % 86_400, nanos) + offsetId(offset)
}

function clockText(seconds: number, nanos: string): string {
  const fraction = nanos.replace(/0+$/, '')
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return fraction === '' ? text : `${text}.${fraction}`
}

function offsetId(offset: number): string {
  if (offset === 0) return 'Z'
  const total = Math.abs(offset)
  const seconds = total % 60 === 0 ? '' : `:${two(total % 60)}`
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}${seconds}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** Days since the epoch in the proleptic Gregorian calendar of ISO 8601, with years that begin in March. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const ofEra = y - era * 400
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468
}

function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const years = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100))
  const shiftedMonth = Math.floor((5 * ofYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const day = ofYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  return { year: years + era * 400 + (month <= 2 ? 1 : 0), month, day }
}
