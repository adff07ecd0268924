import { DataError, decimalFromBytes, int64Form } from 'penstock/api'

import type { ProtoCursor } from './proto-cursor.ts'

const secondMs = 1000
const millisecondNs = 1_000_000
const secondNs = 1_000_000_000
export const dayMs = 86_400_000
/** A scale is a few bytes of a message, and as many digits of its text: one that the schema does not have is limited. */
const maxScale = 1000

/** Reads the message `google.protobuf.Timestamp` as milliseconds since 1970. Microseconds and less are dropped. */
export function readTimestamp(cursor: ProtoCursor): number | bigint {
  let seconds: number | bigint = 0
  let nanos = 0
  const outer = cursor.enter()
  while (!cursor.isAtEnd()) {
    const tag = cursor.tag()
    if (tag === 8) seconds = cursor.int64()
    else if (tag === 16) nanos = cursor.int32()
    else cursor.skip(tag)
  }
  cursor.leave(outer)
  if (nanos < 0 || nanos >= secondNs) throw new DataError(`a timestamp has ${nanos} nanoseconds`)
  const ms = Math.floor(nanos / millisecondNs)
  if (typeof seconds === 'number') {
    const value = seconds * secondMs + ms
    if (Number.isSafeInteger(value)) return value
  }
  const value = BigInt(seconds) * 1000n + BigInt(ms)
  if (BigInt.asIntN(64, value) !== value)
    throw new DataError(`a timestamp has ${seconds} seconds, too many for Connect`)
  return int64Form(value)
}

/** Reads the message `google.type.Date` as days since 1970, in the Gregorian calendar also before 1582. The year 0 is 1 BC. */
export function readDate(cursor: ProtoCursor): number {
  let year = 0
  let month = 0
  let day = 0
  const outer = cursor.enter()
  while (!cursor.isAtEnd()) {
    const tag = cursor.tag()
    if (tag === 8) year = cursor.int32()
    else if (tag === 16) month = cursor.int32()
    else if (tag === 24) day = cursor.int32()
    else cursor.skip(tag)
  }
  cursor.leave(outer)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    throw new DataError(`a date has the year ${year}, the month ${month} and the day ${day}, which is none`)
  const days = daysOf(year, month, day)
  if ((days | 0) !== days) throw new DataError(`a date has the year ${year}, which is too far for Connect`)
  return days
}

/** Reads the message `google.type.TimeOfDay` as milliseconds since midnight. Microseconds and less are dropped. */
export function readTime(cursor: ProtoCursor): number {
  let hours = 0
  let minutes = 0
  let seconds = 0
  let nanos = 0
  const outer = cursor.enter()
  while (!cursor.isAtEnd()) {
    const tag = cursor.tag()
    if (tag === 8) hours = cursor.int32()
    else if (tag === 16) minutes = cursor.int32()
    else if (tag === 24) seconds = cursor.int32()
    else if (tag === 32) nanos = cursor.int32()
    else cursor.skip(tag)
  }
  cursor.leave(outer)
  if (!isWithin(hours, 24) || !isWithin(minutes, 60) || !isWithin(seconds, 60) || !isWithin(nanos, secondNs))
    throw new DataError(`a time is ${hours}:${minutes}:${seconds} and ${nanos} ns, which is none`)
  return ((hours * 60 + minutes) * 60 + seconds) * secondMs + Math.floor(nanos / millisecondNs)
}

/** Returns the reader of the message `confluent.type.Decimal`. @param expected the scale of the schema */
export function decimalReader(expected: number): (cursor: ProtoCursor) => string {
  return (cursor) => {
    let unscaled: Uint8Array = new Uint8Array(0)
    let scale = 0
    const outer = cursor.enter()
    while (!cursor.isAtEnd()) {
      const tag = cursor.tag()
      if (tag === 10) unscaled = cursor.bytes()
      else if (tag === 24) scale = cursor.int32()
      else cursor.skip(tag)
    }
    cursor.leave(outer)
    if (scale !== expected && (scale > maxScale || scale < -maxScale))
      throw new DataError(`a decimal has the scale ${scale}, and its schema ${expected}`)
    return decimalFromBytes(unscaled, scale)
  }
}

function isWithin(value: number, limit: number): boolean {
  return value >= 0 && value < limit
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const daysOfEra = 146_097
const yearsOfEra = 400
/** From 1 March of the year 0 to 1970. */
const daysTo1970 = 719_468

/** Returns the days from 1970 to a date. Years begin in March here, so that the day of a leap year is the last one. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / yearsOfEra)
  const yearOfEra = shifted - era * yearsOfEra
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * daysOfEra + dayOfEra - daysTo1970
}

/** Returns the date of days since 1970, in the Gregorian calendar. */
export function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + daysTo1970
  const era = Math.floor(shifted / daysOfEra)
  const dayOfEra = shifted - era * daysOfEra
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  return { year: yearOfEra + era * yearsOfEra + (month <= 2 ? 1 : 0), month, day }
}
