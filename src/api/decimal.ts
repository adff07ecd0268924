import { DataError } from './errors.ts'

const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/
/** A number with more digits than this takes seconds and gigabytes, and its scale is a few bytes of a message or schema. */
const maxScale = 1_000_000

/**
 * Returns the unscaled value of a decimal text: `("12.5", 2)` is 1250n. Never rounds (I11).
 * @throws DataError if the text is not a decimal number or has more than `scale` fraction digits, or the scale is invalid.
 */
export function unscaledDecimal(text: string, scale: number): bigint {
  checkScale(scale)
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

function checkScale(scale: number): void {
  if (!Number.isInteger(scale) || scale > maxScale || scale < -maxScale)
    throw new DataError(`Invalid Decimal schema: the scale ${scale} is no integer from -${maxScale} to ${maxScale}`)
}

/** Returns the digits of a decimal text, and how many of them follow the point; negative for zeros before it. */
export function decimalParts(text: string): { readonly digits: string; readonly scale: number } {
  const [mantissa = '', exponent = '0'] = text.replace(/^[+-]/, '').split(/[eE]/)
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: whole + fraction, scale: fraction.length - Number(exponent) }
}

/** Returns the exact text of an unscaled value: `(1250n, 2)` is `"12.50"`, `(5n, -2)` is `"500"`. @throws DataError if the scale is invalid. */
export function decimalTextOf(unscaled: bigint, scale: number): string {
  checkScale(scale)
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const negative = unscaled < 0n
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Returns the bytes of Connect's Decimal: the unscaled value in the shortest big-endian two's complement. */
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

/** Returns the exact text of the bytes of Connect's Decimal. Empty bytes are zero. */
export function decimalFromBytes(bytes: Uint8Array, scale: number): string {
  if (bytes.length === 0) return decimalTextOf(0n, scale)
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return decimalTextOf(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)), scale)
}

const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const pads = ['', '==', '=']

/** Returns {@link decimalToBytes} in base64. Numbers of up to 15 digits with exactly `scale` fraction digits avoid bigint. */
export function decimalBase64(text: string, scale: number): string {
  const unscaled = smallUnscaledDecimal(text, scale)
  return unscaled === null ? decimalToBytes(text, scale).toString('base64') : base64Of(unscaled)
}

/**
 * Returns the unscaled value of up to 15 plain digits with exactly `scale` fraction digits, without bigint. Returns null for any
 * other text, for which {@link unscaledDecimal} decides.
 */
export function smallUnscaledDecimal(text: string, scale: number): number | null {
  const { length } = text
  if (length === 0 || length > 16) return null
  const negative = text.charCodeAt(0) === 0x2d
  const point = scale > 0 ? length - scale - 1 : -1
  let value = 0
  let digits = 0
  for (let i = negative ? 1 : 0; i < length; i += 1) {
    const code = text.charCodeAt(i)
    if (i === point && code === 0x2e) continue
    if (code < 0x30 || code > 0x39) return null
    value = value * 10 + (code - 0x30)
    digits += 1
  }
  if (digits === 0 || digits > 15 || (scale !== 0 && (point < 0 || text.charCodeAt(point) !== 0x2e))) return null
  return negative ? -value : value
}

/** Returns the shortest two's complement of an integer of up to 53 bits, in base64. */
function base64Of(value: number): string {
  let length = 1
  for (let limit = 128; value >= limit || value < -limit; limit *= 256) length += 1
  let rest = value < 0 ? value + 256 ** length : value
  const bytes = new Array<number>(length)
  for (let i = length - 1; i >= 0; i -= 1) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  let text = ''
  for (let i = 0; i < length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const used = Math.min(4, length - i + 1)
    for (let digit = 0; digit < used; digit += 1) text += base64Digits[(group >> (18 - 6 * digit)) & 63] ?? ''
  }
  return text + (pads[length % 3] ?? '')
}
