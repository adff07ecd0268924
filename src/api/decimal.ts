import { DataError } from './errors.ts'

const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/

/**
 * The unscaled value of a decimal text at a scale: `("12.5", 2)` is 1250n.
 * @throws DataError when the text is no decimal or has more digits behind the point than `scale`: nothing is rounded.
 */
export function unscaledDecimal(text: string, scale: number): bigint {
  const match = decimalText.exec(text)
  const whole = match?.[2] ?? ''
  const fraction = match?.[3] ?? ''
  if (match === null || whole.length + fraction.length === 0) throw new DataError(`Not a decimal number: "${text}"`)
  const shift = scale - fraction.length + Number(match[4] ?? 0)
  const digits = BigInt(whole + fraction)
  const magnitude = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift)
  if (shift < 0 && magnitude * 10n ** BigInt(-shift) !== digits) {
    throw new DataError(`Decimal ${text} has mismatching scale value for given Decimal schema: ${scale}`)
  }
  return match[1] === '-' ? -magnitude : magnitude
}

/** The exact text of an unscaled value: `(1250n, 2)` is `"12.50"`, `(5n, -2)` is `"500"`. */
export function decimalTextOf(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const negative = unscaled < 0n
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Connect's Decimal bytes: the unscaled value in big-endian two's complement, as short as it can be. */
export function decimalToBytes(text: string, scale: number): Buffer {
  const unscaled = unscaledDecimal(text, scale)
  const magnitude = unscaled < 0n ? -unscaled - 1n : unscaled
  const bits = magnitude === 0n ? 0 : magnitude.toString(2).length
  const length = Math.floor(bits / 8) + 1
  const hex = BigInt.asUintN(length * 8, unscaled)
    .toString(16)
    .padStart(length * 2, '0')
  return Buffer.from(hex, 'hex')
}

/** The exact text of Connect's Decimal bytes. No bytes count as zero. */
export function decimalFromBytes(bytes: Uint8Array, scale: number): string {
  if (bytes.length === 0) return decimalTextOf(0n, scale)
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return decimalTextOf(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)), scale)
}
