import { decimalParts } from '../decimal.ts'

const decimalFloat = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/
const hexFloat = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/
const namedFloat = /^[+-]?(?:NaN|Infinity)$/

/** Returns the number of a text as Java's `parseFloat` and `parseDouble`; null if it is none. */
export function parseJavaFloating(text: string, single: boolean): number | null {
  // Java trims all control characters, and no other blanks.
  // eslint-disable-next-line no-control-regex -- these are the characters that Java's trim removes
  const trimmed = text.replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$/g, '')
  if (namedFloat.test(trimmed)) return trimmed.endsWith('NaN') ? Number.NaN : Number(trimmed)
  const decimal = decimalFloat.exec(trimmed)?.[1]
  if (decimal !== undefined) return single ? closestFloat(decimal) : Number(decimal)
  const hex = hexFloat.exec(trimmed)
  if (hex === null) return null
  const [, sign, whole = '', fraction = '', exponent] = hex
  if (whole + fraction === '') return null
  const magnitude = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length)
  return (sign === '-' ? -1 : 1) * (single ? Math.fround(magnitude) : magnitude)
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
  const { digits, scale } = decimalParts(String(exact))
  if (Math.abs(scale) > 10_000) return 0
  const magnitude = String(exact).startsWith('-') ? -BigInt(digits) : BigInt(digits)
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
