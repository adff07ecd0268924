/**
 * Temporal values of Debezium and Connect as ISO-8601 text in UTC. Years outside 0000–9999 have ISO's expanded form
 * (`+012345-…`, `-000043-…`). Fractions have the digits of the unit, without trailing groups of zeros.
 */

const dayMs = 86_400_000

/** Days of the epoch → `2024-01-31`. */
export function isoDate(days: number): string {
  return dateText(Math.floor(days))
}

/** Units of 1/`perSecond` s since midnight → `10:20:30.5`. */
export function isoTime(value: number | bigint, perSecond: number): string {
  const units = BigInt(value)
  const per = BigInt(perSecond)
  return clockText(Number(units / per), Number(units % per), perSecond)
}

/** Units of 1/`perSecond` s since the epoch → `2024-01-31T10:20:30.123456Z`. */
export function isoTimestamp(value: number | bigint, perSecond: number): string {
  let seconds: number
  let fraction: number
  if (typeof value === 'number') {
    seconds = Math.floor(value / perSecond)
    fraction = value - seconds * perSecond
  } else {
    const per = BigInt(perSecond)
    const rest = ((value % per) + per) % per
    fraction = Number(rest)
    seconds = Number((value - rest) / per)
  }
  const days = Math.floor(seconds / 86_400)
  return `${dateText(days)}T${clockText(seconds - days * 86_400, fraction, perSecond)}Z`
}

function clockText(seconds: number, fraction: number, perSecond: number): string {
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const text = `${two(hours)}:${two(minutes)}:${two(seconds % 60)}`
  if (fraction === 0) return text
  const digits = String(perSecond).length - 1
  return `${text}.${String(fraction)
    .padStart(digits, '0')
    .replace(/(?:000)+$/, '')}`
}

function dateText(days: number): string {
  const date = new Date(days * dayMs)
  const year = date.getUTCFullYear()
  if (Number.isNaN(year)) return farDate(days)
  return `${yearText(year)}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
}

/** Beyond the range of Date (year 275760): whole cycles of 400 years are subtracted first. */
function farDate(days: number): string {
  const cycle = 146_097
  const cycles = Math.floor(days / cycle)
  const date = new Date((days - cycles * cycle) * dayMs)
  return `${yearText(date.getUTCFullYear() + cycles * 400)}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
