import { closestFloat, int64Form } from './java-numbers.ts'

const isInteger = /^[+-]?(?:(?![\u{10000}-\u{10ffff}])\p{Nd})+$/u

/** Returns the integer of a text as Java's `parseByte`, `parseShort`, `parseInt` and `parseLong`; null if it is none. */
export function parseInteger(text: string, bits: 8 | 16 | 32 | 64): number | bigint | null {
  if (!isInteger.test(text)) return null
  const digits = asciiDigits(text)
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1')
  if (digits.length > 20) return null
  const value = BigInt(digits)
  return BigInt.asIntN(bits, value) === value ? int64Form(value) : null
}

/** Java reads the decimal digits of every script in the basic plane. They start at multiples of 16, or 6 after one. */
export function asciiDigits(text: string): string {
  return text.replace(/[^\d+-]/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0
    const low = code & 0xf
    return String(/\p{Nd}/u.test(String.fromCodePoint(code - low)) ? low : low - 6)
  })
}

const decimalFloat = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/
const hexFloat = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/
const namedFloat = /^[+-]?(?:NaN|Infinity)$/

/** Returns the number of a text as Java's `parseFloat` and `parseDouble`; null if it is none. */
export function parseFloating(text: string, single: boolean): number | null {
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
