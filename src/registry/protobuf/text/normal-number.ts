/** A number of more digits stays as it is written. */
const maxDigits = 400
/** The digits that Java's `DecimalFormat` shows after the point. */
const shownFraction = 3

/**
 * A number as Confluent's registry writes it in a normal form: decimal, without exponent, rounded to three digits after the point,
 * half to even. What Java reads as no number (`inf`) stays.
 */
export function normalNumber(text: string): string {
  const whole = /^(-?)(0[xX][\da-fA-F]+|\d+)$/.exec(text)
  if (whole !== null) {
    const [, sign = '', digits = ''] = whole
    if (digits.length > maxDigits) return text
    const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits
    if (/^0\d*[89]/.test(digits)) return text
    const value = BigInt(octal)
    return value === 0n ? '0' : `${sign}${value}`
  }
  const decimal = /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?[fFdD]?$/.exec(text)
  if (decimal === null) return text
  const [, sign = '', before = '', after = '', exponent = '0'] = decimal
  const shift = Number(exponent) + shownFraction - after.length
  if (before.length + after.length === 0 || before.length + after.length + Math.abs(shift) > maxDigits) return text
  const digits = BigInt(before + after)
  return `${sign}${withPoint(shift >= 0 ? digits * 10n ** BigInt(shift) : rounded(digits, 10n ** BigInt(-shift)))}`
}

/** The quotient, half to even. */
function rounded(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  const twice = (value % divisor) * 2n
  const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n)
  return isUp ? quotient + 1n : quotient
}

/** The text of so many thousandths. */
function withPoint(thousandths: bigint): string {
  const digits = String(thousandths).padStart(shownFraction + 1, '0')
  const fraction = digits.slice(-shownFraction).replace(/0+$/, '')
  const whole = digits.slice(0, -shownFraction)
  return fraction === '' ? whole : `${whole}.${fraction}`
}
