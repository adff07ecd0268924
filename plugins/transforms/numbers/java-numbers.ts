import { decimalParts, decimalTextOf, int64Form, unscaledDecimal } from 'penstock/api'

const maxLong = 2n ** 63n - 1n
const minLong = -(2n ** 63n)

/** Returns the value, or the limit of a long that it exceeds. */
export function withinLong(value: bigint): bigint {
  if (value > maxLong) return maxLong
  return value < minLong ? minLong : value
}

/** Returns the low bits of an integer, as Java's `byteValue`, `shortValue`, `intValue` and `longValue` do. */
export function lowBits(value: number | bigint, bits: 8 | 16 | 32 | 64): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    return bits === 64 ? value : (value << (32 - bits)) >> (32 - bits)
  }
  const wrapped = BigInt.asIntN(bits, BigInt(value))
  return bits === 64 ? int64Form(wrapped) : Number(wrapped)
}

/** Returns a fraction as an integer, as Java's casts do: towards zero, within the range of int or long; NaN is 0. */
export function truncated(value: number, bits: 8 | 16 | 32 | 64): number | bigint {
  if (Number.isNaN(value)) return 0
  const whole = Math.trunc(value) + 0
  if (bits < 64) return lowBits(Math.min(Math.max(whole, -(2 ** 31)), 2 ** 31 - 1), bits)
  if (Number.isSafeInteger(whole)) return whole
  if (whole >= 2 ** 63) return maxLong
  return whole <= -(2 ** 63) ? minLong : int64Form(BigInt(whole))
}

/** Returns the integer part of a decimal text as Java's `BigDecimal.longValue`: its low 64 bits. */
export function decimalToLong(text: string): bigint {
  const { digits, scale } = decimalParts(text)
  if (scale > 0)
    return scale > digits.length + 1 ? 0n : BigInt.asIntN(64, signed(text, BigInt(digits) / 10n ** BigInt(scale)))
  // A multiple of 10 to the 64th has no low bits.
  return scale <= -64 ? 0n : BigInt.asIntN(64, signed(text, BigInt(digits) * 10n ** BigInt(-scale)))
}

/** Returns the text of Java's `BigDecimal.toString`: plain, or scientific for small numbers and negative scales. */
export function bigDecimalText(text: string, scale: number): string {
  const unscaled = unscaledDecimal(text, scale)
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled)
  const exponent = digits.length - 1 - scale
  if (scale >= 0 && exponent >= -6) return decimalTextOf(unscaled, scale)
  const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`
  return exponent === 0 ? sign + mantissa : `${sign}${mantissa}E${exponent > 0 ? '+' : ''}${exponent}`
}

const bigDecimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/

/** Returns whether Java's `new BigDecimal` accepts a text. Exponents of more than four digits, which no number needs, are refused. */
export function isBigDecimal(text: string): boolean {
  return bigDecimal.test(text)
}

/** Returns the text of a decimal without an exponent. */
export function plainDecimal(text: string): string {
  const { digits, scale } = decimalParts(text)
  return decimalTextOf(signed(text, BigInt(digits)), scale)
}

function signed(text: string, magnitude: bigint): bigint {
  return text.startsWith('-') ? -magnitude : magnitude
}
