import { ConfigError } from 'penstock/api'

/** A part of a pattern: writes a field of a local time, whose parts are those of the UTC date. */
type Piece = (local: Date, zone: Zone) => string

interface Zone {
  readonly id: string
  readonly timeMs: number
  readonly offsetMs: number
}

const dayMs = 86_400_000

/**
 * Returns a function that formats a time with a pattern of Joda's DateTimeFormat
 * (https://www.joda.org/joda-time/apidocs/org/joda/time/format/DateTimeFormat.html): other letters than those of Java's own formats.
 * @param locale the language of names, such as `de`; empty is English. Confluent takes the whole text for a language. So others, such as
 * `de-DE`, are those of Java's root locale: short and English.
 * @throws ConfigError for a letter that Joda does not have
 */
export function jodaFormat(
  pattern: string,
  locale: string,
  timeZone: string,
): (timeMs: number, offsetMs: number) => string {
  const isLanguage = /^[a-z]{2,3}$/i.test(locale)
  const language = isLanguage ? locale.toLowerCase() : 'en'
  const longNames = isLanguage || locale === ''
  const pieces = tokens(pattern).map((token) =>
    typeof token === 'string' ? token : pieceOf(token, { language, longNames }),
  )
  return (timeMs, offsetMs) => {
    const local = new Date(timeMs + offsetMs)
    const zone = { id: timeZone, timeMs, offsetMs }
    return pieces.map((piece) => (typeof piece === 'string' ? piece : piece(local, zone))).join('')
  }
}

interface Names {
  readonly language: string
  readonly longNames: boolean
}

interface Letters {
  readonly letter: string
  readonly count: number
}

/** Literal text, and runs of one letter. Two quotes are one, inside quotes too. */
function tokens(pattern: string): readonly (string | Letters)[] {
  const parts: (string | Letters)[] = []
  for (const [text, quoted, letter] of pattern.matchAll(/'((?:[^']|'')*)'?|([a-zA-Z])\2*|[^a-zA-Z']+/g)) {
    if (letter !== undefined) parts.push({ letter, count: text.length })
    else if (quoted === undefined) parts.push(text)
    else parts.push(text === "''" ? "'" : quoted.replaceAll("''", "'"))
  }
  return parts
}

function pieceOf({ letter, count }: Letters, names: Names): Piece {
  const number =
    (of: (local: Date) => number): Piece =>
    (local) =>
      padded(of(local), count)
  switch (letter) {
    case 'y':
      return year((local) => local.getUTCFullYear(), count)
    case 'Y':
      return year((local) => eraYear(local), count)
    case 'x':
      return year((local) => weekOf(local).year, count)
    case 'C':
      return number((local) => Math.floor(eraYear(local) / 100))
    case 'w':
      return number((local) => weekOf(local).week)
    case 'e':
      return number((local) => local.getUTCDay() || 7)
    case 'D':
      return number((local) => dayOfYear(local))
    case 'd':
      return number((local) => local.getUTCDate())
    case 'H':
      return number((local) => local.getUTCHours())
    case 'k':
      return number((local) => local.getUTCHours() || 24)
    case 'K':
      return number((local) => local.getUTCHours() % 12)
    case 'h':
      return number((local) => local.getUTCHours() % 12 || 12)
    case 'm':
      return number((local) => local.getUTCMinutes())
    case 's':
      return number((local) => local.getUTCSeconds())
    case 'S':
      return (local) => String(local.getUTCMilliseconds()).padStart(3, '0').padEnd(count, '0').slice(0, count)
    default:
      return textPiece(letter, count, names)
  }
}

function textPiece(letter: string, count: number, { language, longNames }: Names): Piece {
  const length = count >= 4 && longNames ? 'long' : 'short'
  switch (letter) {
    case 'M':
      if (count < 3) return (local) => padded(local.getUTCMonth() + 1, count)
      return named(language, 'month', { month: length, day: 'numeric' })
    case 'E':
      return named(language, 'weekday', { weekday: length, day: 'numeric' })
    case 'a':
      return (local) => (local.getUTCHours() < 12 ? 'AM' : 'PM')
    case 'G':
      return (local) => (local.getUTCFullYear() > 0 ? 'AD' : 'BC')
    case 'z':
      return (_local, { id, timeMs }) =>
        partOf(language, 'timeZoneName', { timeZone: id, timeZoneName: length }, timeMs)
    case 'Z':
      return (_local, zone) => (count >= 3 ? zone.id : offsetText(zone.offsetMs, count === 2 ? ':' : ''))
    default:
      throw new ConfigError(`Illegal pattern component: ${letter}`)
  }
}

/** Two letters are two digits, others a minimum of digits. */
function year(of: (local: Date) => number, count: number): Piece {
  return (local) => (count === 2 ? padded(Math.abs(of(local)) % 100, 2) : padded(of(local), count))
}

function padded(value: number, count: number): string {
  return `${value < 0 ? '-' : ''}${String(Math.abs(value)).padStart(count, '0')}`
}

function eraYear(local: Date): number {
  const value = local.getUTCFullYear()
  return value > 0 ? value : 1 - value
}

function dayOfYear(local: Date): number {
  const first = new Date(local)
  first.setUTCMonth(0, 1)
  return Math.round((startOfDay(local) - startOfDay(first)) / dayMs) + 1
}

const startOfDay = (local: Date): number => Math.floor(local.getTime() / dayMs) * dayMs

/** The week by ISO 8601: that of the Thursday. */
function weekOf(local: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(startOfDay(local) + (4 - (local.getUTCDay() || 7)) * dayMs)
  return { year: thursday.getUTCFullYear(), week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 }
}

function named(language: string, part: 'month' | 'weekday', options: Intl.DateTimeFormatOptions): Piece {
  return (local) => partOf(language, part, { ...options, timeZone: 'UTC' }, local.getTime())
}

function partOf(
  language: string,
  part: Intl.DateTimeFormatPartTypes,
  options: Intl.DateTimeFormatOptions,
  timeMs: number,
): string {
  const parts = new Intl.DateTimeFormat(language, options).formatToParts(timeMs)
  return parts.find(({ type }) => type === part)?.value ?? ''
}

function offsetText(offsetMs: number, colon: string): string {
  const minutes = Math.abs(Math.trunc(offsetMs / 60_000))
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60].map((value) => padded(value, 2))
  return `${offsetMs < 0 ? '-' : '+'}${hour}${colon}${minute}`
}
