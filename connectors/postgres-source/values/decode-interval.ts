import { DataError } from 'penstock/api'
import { readDigits, readMinutes, requireEnd } from './civil-time.ts'
import { unparsable, type OnUnrepresentable, type ValueDecoder } from './column-type.ts'
import { fitsInt64, infiniteTexts, microsPerDay, orInfinite } from './decode-time.ts'

const outsideInterval = 'an interval of more than 292271 years, which does not fit microseconds in 64 bits'

/** The three parts of an interval, which Postgres stores separately. */
interface Interval {
  readonly months: number
  readonly days: number
  readonly micros: bigint
}

const intervalForm =
  /^(?:([+-]?\d{1,10}) years?)?(?:(?:^| )([+-]?\d{1,10}) mons?)?(?:(?:^| )([+-]?\d{1,10}) days?)?(?:(?:^| )([+-]?)(\d{2,10}:\d\d:\d\d(?:\.\d{1,6})?))?$/

function readInterval(bytes: Buffer, start: number, end: number): Interval {
  const parts = end > start ? intervalForm.exec(bytes.toString('latin1', start, end)) : null
  if (parts === null) throw unparsable('an interval')
  const [, years = '0', months = '0', days = '0', sign, clock] = parts
  const micros = clock === undefined ? 0n : clockMicros(Buffer.from(clock, 'latin1'))
  const interval = {
    months: Number(years) * 12 + Number(months),
    days: Number(days),
    micros: sign === '-' ? -micros : micros,
  }
  const isPossible = isInt32(interval.months) && isInt32(interval.days) && fitsInt64(interval.micros)
  if (!isPossible) throw new DataError('the interval is outside the range of Postgres')
  return interval
}

function isInt32(value: number): boolean {
  return value === (value | 0)
}

/** Reads `H…:MM:SS[.ffffff]` as microseconds: the hours of an interval have no limit. */
function clockMicros(text: Buffer): bigint {
  const hours = readDigits(text, 0, text.length)
  const rest = readMinutes(text, text.length)
  requireEnd(text.length)
  return BigInt(hours) * 3_600_000_000n + BigInt(rest)
}

/** A month counts as a twelfth of 365.25 days. */
const microsPerMonth = 2_629_800_000_000n
const int64 = { past: -(2n ** 63n), future: 2n ** 63n - 1n }

/** Microseconds. The largest and smallest 64-bit numbers are the infinities, so no other interval may become one of them. */
export function intervalMicrosDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return orInfinite(int64, (bytes, start, end) => {
    const { months, days, micros } = readInterval(bytes, start, end)
    const total = BigInt(months) * microsPerMonth + BigInt(days) * BigInt(microsPerDay) + micros
    if (total >= int64.future || total <= int64.past) return onUnrepresentable(outsideInterval)
    const value = Number(total)
    return Number.isSafeInteger(value) ? value : total
  })
}

/** `P1Y2M3DT4H5M6.78S`, with every part; `infinity` and `-infinity`. */
export const decodeIntervalText = orInfinite(infiniteTexts, (bytes, start, end) => {
  const { months, days, micros } = readInterval(bytes, start, end)
  const sign = micros < 0n ? -1 : 1
  const magnitude = micros < 0n ? -micros : micros
  const seconds = Number(magnitude / 1_000_000n)
  const rest = Number(magnitude % 1_000_000n)
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(6, '0').replace(/0+$/, '')}`
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  const signed = (value: number): number => (value === 0 ? 0 : sign * value)
  const secondsText = `${sign < 0 && (seconds % 60 > 0 || rest > 0) ? '-' : ''}${seconds % 60}${fraction}`
  return `P${Math.trunc(months / 12)}Y${months % 12}M${days}DT${signed(hours)}H${signed(minutes)}M${secondsText}S`
})
