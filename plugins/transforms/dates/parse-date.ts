import { asciiDigits } from '../numbers/parse-number.ts'
import { javaFields, type FieldName } from './calendar-fields.ts'
import { eras, halfDays, longEras, months, utcNames, weekdays, zoneHours } from './date-names.ts'
import { parsePattern, type PatternPart } from './date-pattern.ts'

type Fields = ReturnType<typeof javaFields>

/** Reads a part of the pattern at a place; returns the place after it, or -1. */
type PartReader = (text: string, at: number, fields: Fields) => number

/** Reads a field from a place that is not blank; a number ends at `limit` at the latest. */
type Reader = (text: string, at: number, fields: Fields, limit: number) => number

/** Parses a text to milliseconds since the epoch; null if it does not match the pattern. */
export type DateParser = (text: string) => number | bigint | null

/** Letters that depend on weeks. Java can read them; dates are not written with them in practice. */
const weekLetters = 'wWFY'

/**
 * Compiles a pattern of a lenient `SimpleDateFormat`: UTC, locale en_US; text after the match is ignored.
 * @param nowMs the time around which years of two digits are placed: 80 years before it to 20 years after it.
 * @throws SyntaxError if the pattern is invalid, or has weeks.
 */
export function dateParser(pattern: string, nowMs: number): DateParser {
  const parts = parsePattern(pattern)
  const readers = parts.map((part, i): PartReader => {
    if ('literal' in part) return (text, at) => (text.startsWith(part.literal, at) ? at + part.literal.length : -1)
    if (weekLetters.includes(part.letter)) {
      throw new SyntaxError(`'${part.letter}' in the date format "${pattern}" is not supported for reading dates`)
    }
    const next = parts[i + 1]
    return fieldReader(part.letter, part.count, next !== undefined && isDigits(next))
  })
  return (text) => {
    const fields = javaFields(nowMs)
    let at = 0
    for (const read of readers) {
      at = read(text, at, fields)
      if (at < 0) return null
    }
    return fields.time()
  }
}

/** Whether a number that directly precedes this part has as many digits as the pattern has letters. */
function isDigits(part: PatternPart): boolean {
  if ('literal' in part) return false
  return part.letter === 'M' || part.letter === 'L' ? part.count <= 2 : 'ydkHKhmsSDuFwWY'.includes(part.letter)
}

const numberFields: Readonly<Record<string, FieldName>> = {
  d: 'day',
  D: 'dayOfYear',
  H: 'hour',
  k: 'hour',
  h: 'halfHour',
  K: 'halfHour',
  m: 'minute',
  s: 'second',
  S: 'millisecond',
}

function fieldReader(letter: string, count: number, obeyCount: boolean): PartReader {
  const reader = readerOf(letter, count)
  return (text, at, fields) => {
    const start = skipBlanks(text, at)
    // Blanks count as characters of the number.
    const limit = obeyCount ? at + count : text.length
    return start >= text.length || limit > text.length ? -1 : reader(text, start, fields, limit)
  }
}

function readerOf(letter: string, count: number): Reader {
  switch (letter) {
    case 'G':
      return namesReader(
        [...eras, ...longEras].map((name, i) => [name, i % 2]),
        'era',
      )
    case 'E':
      return namesReader(bothForms(weekdays), null)
    case 'a':
      return namesReader(
        halfDays.map((name, half) => [name, half]),
        'halfDay',
      )
    case 'z':
    case 'Z':
      return zone
    case 'X':
      return (text, at, fields) => isoZone(text, at, fields, count)
    case 'y':
      return yearReader(count)
    case 'M':
    case 'L':
      if (count > 2) return namesReader(bothForms(months), 'month')
      return numberReader((fields, value) => fields.set('month', value - 1))
    case 'u':
      return numberReader(() => undefined)
    default:
      return numberReader((fields, value) => fields.set(numberFields[letter] ?? 'day', ofClock(letter, value)))
  }
}

/** `k` writes midnight as 24, `h` as 12. */
function ofClock(letter: string, value: number): number {
  return (letter === 'k' && value === 24) || (letter === 'h' && value === 12) ? 0 : value
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at += 1
  return at
}

/** The digits before `limit`, in any script. Their value is that of a Java int. */
function numberAt(text: string, at: number, limit: number): { value: number; end: number } | null {
  const digits = /^-?\p{Nd}+/u.exec(text.slice(at, limit))?.[0]
  if (digits === undefined) return null
  const long = BigInt(asciiDigits(digits))
  const value = BigInt.asIntN(64, long) === long ? BigInt.asIntN(32, long) : long > 0n ? 2n ** 31n - 1n : -(2n ** 31n)
  return { value: Number(value), end: at + digits.length }
}

function numberReader(set: (fields: Fields, value: number) => void): Reader {
  return (text, at, fields, limit) => {
    const number = numberAt(text, at, limit)
    if (number === null) return -1
    set(fields, number.value)
    return number.end
  }
}

function yearReader(count: number): Reader {
  return (text, at, fields, limit) => {
    const number = numberAt(text, at, limit)
    if (number === null) return -1
    const isShort = count <= 2 && number.end - at === 2 && /^\p{Nd}+$/u.test(text.slice(at, number.end))
    if (isShort) fields.setShortYear(number.value)
    else fields.set('year', number.value)
    return number.end
  }
}

function bothForms(names: readonly string[]): (readonly [string, number])[] {
  return names.flatMap((name, i) => [[name, i] as const, [name.slice(0, 3), i] as const])
}

/** Names match in any case; the longest wins. */
function namesReader(names: readonly (readonly [string, number])[], field: FieldName | null): Reader {
  const longestFirst = names
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .toSorted(([a], [b]) => b.length - a.length)
  return (text, at, fields) => {
    const lower = text.slice(at, at + 16).toLowerCase()
    const found = longestFirst.find(([name]) => lower.startsWith(name))
    if (found === undefined) return -1
    if (field !== null) fields.set(field, found[1])
    return at + found[0].length
  }
}

function zone(text: string, at: number, fields: Fields): number {
  const sign = signAt(text, at)
  if (sign !== 0) return offset(text, at + 1, fields, { sign, minutes: true, colon: false, shortHour: false })
  if (/^gmt/i.test(text.slice(at, at + 3))) {
    const gmtSign = signAt(text, at + 3)
    if (gmtSign !== 0)
      return offset(text, at + 4, fields, { sign: gmtSign, minutes: true, colon: true, shortHour: true })
    fields.setOffset(0)
    return at + 3
  }
  const rest = text.slice(at).toLowerCase()
  const utc = utcNames.find((name) => rest.startsWith(name.toLowerCase()))
  const named = Object.entries(zoneHours).find(([name]) => rest.startsWith(name.toLowerCase()))
  if (utc === undefined && named === undefined) return -1
  fields.setOffset((named?.[1] ?? 0) * 60)
  return at + (utc ?? named?.[0] ?? '').length
}

function isoZone(text: string, at: number, fields: Fields, count: number): number {
  if (text[at] === 'Z') {
    fields.setOffset(0)
    return at + 1
  }
  const sign = signAt(text, at)
  if (sign === 0) return -1
  return offset(text, at + 1, fields, { sign, minutes: count !== 1, colon: count === 3, shortHour: false })
}

function signAt(text: string, at: number): number {
  if (text[at] === '+') return 1
  return text[at] === '-' ? -1 : 0
}

interface OffsetForm {
  readonly sign: number
  readonly minutes: boolean
  readonly colon: boolean
  /** Whether the hour may have one digit. */
  readonly shortHour: boolean
}

function offset(text: string, at: number, fields: Fields, { sign, minutes, colon, shortHour }: OffsetForm): number {
  const hour = shortHour ? '\\d\\d?' : '\\d\\d'
  const pattern = new RegExp(`(${hour})${minutes ? `${colon ? ':' : ''}(\\d\\d)` : ''}`, 'y')
  pattern.lastIndex = at
  const found = pattern.exec(text)
  const [hours, rest] = [Number(found?.[1]), Number(found?.[2] ?? 0)]
  if (found === null || hours > 23 || rest > 59) return -1
  fields.setOffset(sign * (hours * 60 + rest))
  return pattern.lastIndex
}
