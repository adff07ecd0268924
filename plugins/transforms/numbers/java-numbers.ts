import { decimalTextOf, unscaledDecimal } from 'penstock/api'

const maxLong = 2n ** 63n - 1n
const minLong = -(2n ** 63n)

/** Returns an integer in the form of an INT64: a number if it is safe, otherwise a bigint. */
export function int64Form(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

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

/** The digits of a decimal text, and how many of them follow the point; negative for zeros before it. */
function decimalParts(text: string): { readonly digits: string; readonly scale: number } {
  const [mantissa = '', exponent = '0'] = text.replace(/^[+-]/, '').split(/[eE]/)
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: whole + fraction, scale: fraction.length - Number(exponent) }
}

/** Returns the text of a decimal without an exponent. */
export function plainDecimal(text: string): string {
  const { digits, scale } = decimalParts(text)
  return decimalTextOf(signed(text, BigInt(digits)), scale)
}

function signed(text: string, magnitude: bigint): bigint {
  return text.startsWith('-') ? -magnitude : magnitude
}

/** Returns the float closest to an integer or a decimal text, which is rounded once and not by way of a double. */
export function closestFloat(exact: bigint | string): number {
  const double = Number(exact)
  const float = Math.fround(double)
  if (!Number.isFinite(double) || double === 0) return float
  const order = compareToDouble(exact, double)
  if (order === 0) return float
  const other = Math.fround(order > 0 ? nextUp(double) : -nextUp(-double))
  // The two differ only around the middle between two floats; the double itself is that middle, or its neighbour is.
  return other !== float && double === (float + other) / 2 ? other : float
}

/** The sign of `exact` minus `double`. */
function compareToDouble(exact: bigint | string, double: number): number {
  const { digits, scale } = decimalParts(typeof exact === 'string' ? exact : String(exact))
  if (Math.abs(scale) > 10_000) return 0
  const magnitude = signed(String(exact), BigInt(digits))
  const [mantissa, exponent] = binaryParts(double)
  const left = magnitude * 10n ** BigInt(Math.max(-scale, 0)) * 2n ** BigInt(Math.max(-exponent, 0))
  const right = mantissa * 10n ** BigInt(Math.max(scale, 0)) * 2n ** BigInt(Math.max(exponent, 0))
  if (left === right) return 0
  return left > right ? 1 : -1
}

const words = new DataView(new ArrayBuffer(8))

function binaryParts(double: number): readonly [mantissa: bigint, exponent: number] {
  words.setFloat64(0, double)
  const bits = words.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xf_ffff_ffff_ffffn
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n)
  return [double < 0 ? -mantissa : mantissa, Math.max(biased, 1) - 1075]
}

function nextUp(double: number): number {
  words.setFloat64(0, double)
  words.setBigInt64(0, words.getBigInt64(0) + (double > 0 ? 1n : -1n))
  return words.getFloat64(0)
}
