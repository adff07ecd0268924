import { int64Form } from 'penstock/api'

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
