import { DataError } from 'penstock/api'
import { unparsable, type OnUnrepresentable, type ValueDecoder } from './column-type.ts'

/**
 * Decoders of Postgres' number types.
 * @see https://www.postgresql.org/docs/current/datatype-numeric.html
 */

const zero = 0x30
const dash = 0x2d
const dot = 0x2e
/** A number of this many digits always fits a double exactly. */
const exactDigits = 15

/** An integer from `least` to `most`: a number when it is safe, else a bigint. */
function integerDecoder(least: bigint, most: bigint): ValueDecoder {
  const [low, high] = [Number(least), Number(most)]
  return (bytes, start, end) => {
    const negative = bytes[start] === dash
    let i = negative ? start + 1 : start
    if (i >= end || (bytes[i] === zero && i + 1 < end)) throw unparsable('an integer')
    if (end - i > exactDigits) return bigInteger(bytes.toString('latin1', start, end), least, most)
    let value = 0
    for (; i < end; i += 1) {
      const digit = (bytes[i] ?? 0) - zero
      if (digit < 0 || digit > 9) throw unparsable('an integer')
      value = value * 10 + digit
    }
    if (negative && value !== 0) value = -value
    if (value < low || value > high) throw unparsable('an integer of its type')
    return value
  }
}

export const decodeInt16 = integerDecoder(-(2n ** 15n), 2n ** 15n - 1n)
export const decodeInt32 = integerDecoder(-(2n ** 31n), 2n ** 31n - 1n)
export const decodeOid = integerDecoder(0n, 2n ** 32n - 1n)
export const decodeInteger = integerDecoder(-(2n ** 63n), 2n ** 63n - 1n)

function bigInteger(text: string, least: bigint, most: bigint): number | bigint {
  if (!/^-?\d{1,19}$/.test(text)) throw unparsable('an integer')
  const exact = BigInt(text)
  if (exact < least || exact > most) throw unparsable('an integer of its type')
  const value = Number(exact)
  return Number.isSafeInteger(value) ? value : exact
}

const infinite = /^-?Infinity$/
/** Text that means zero, and not a number too small for a double. */
const zeroForm = /^-?0+(?:\.0+)?(?:e|$)/

/** Postgres and JavaScript write numbers, NaN and the infinities alike. */
export const decodeFloat: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  // Number() accepts more than Postgres writes: blanks, the empty text, and other bases.
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    const isDigit = code >= zero && code <= 0x39
    if (!isDigit && code !== 0x2e && code !== dash && code !== 0x2b && code !== 0x65) return wordOfFloat(text)
  }
  const value = Number(text)
  if (text === '' || !Number.isFinite(value) || (value === 0 && !zeroForm.test(text))) throw unparsable('a number')
  return value
}

function wordOfFloat(text: string): number {
  if (text === 'NaN') return NaN
  if (!infinite.test(text)) throw unparsable('a number')
  return text.startsWith('-') ? -Infinity : Infinity
}

const plainDecimal = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const special = /^(?:NaN|-?Infinity)$/

/** The text of a numeric. Null for NaN and the infinities, which a Decimal cannot represent. */
function decimalText(text: string, onUnrepresentable: OnUnrepresentable): string | null {
  if (plainDecimal.test(text)) return text
  if (special.test(text)) return onUnrepresentable('NaN or an infinity, which a Decimal cannot represent')
  throw unparsable('a numeric')
}

/** Returns whether the text is only digits with at most one point between them, and no leading zero. */
function isPlainDecimal(bytes: Buffer, start: number, end: number): boolean {
  let point = end
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number
    if ((byte ^ zero) <= 9) continue
    if (byte !== dot || point !== end) return false
    point = i
  }
  return point > start && point !== end - 1 && (bytes[start] !== zero || point === start + 1)
}

/** numeric with a scale: the exact text. */
export function decimalDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    return isPlainDecimal(bytes, start, end) ? text : decimalText(text, onUnrepresentable)
  }
}

/** numeric without a scale: [scale, unscaled bytes], without trailing zeros; the scale is never negative. */
export function variableDecimalDecoder(
  toBytes: (text: string, scale: number) => Buffer,
  onUnrepresentable: OnUnrepresentable,
): ValueDecoder {
  return (bytes, start, end) => {
    const text = decimalText(bytes.toString('latin1', start, end), onUnrepresentable)
    if (text === null) return null
    const stripped = text.includes('.') ? text.replace(/\.?0+$/, '') : text
    const point = stripped.indexOf('.')
    const scale = point < 0 ? 0 : stripped.length - point - 1
    return [scale, toBytes(stripped, scale)]
  }
}

/** numeric as a double. */
export function doubleDecoder(onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    if (!plainDecimal.test(text)) return wordOfFloat(text)
    const value = Number(text)
    if (value === 0) return 0
    return Number.isFinite(value) ? value : onUnrepresentable('a number too large for a double')
  }
}

const decimalWords: Readonly<Record<string, string>> = {
  NaN: 'NAN',
  Infinity: 'POSITIVE_INFINITY',
  '-Infinity': 'NEGATIVE_INFINITY',
}

/** numeric as text, with Debezium's words for values that are not numbers. */
export const decodeDecimalText: ValueDecoder = (bytes, start, end) => {
  const text = bytes.toString('latin1', start, end)
  if (plainDecimal.test(text)) return text
  const word = decimalWords[text]
  if (word === undefined) throw unparsable('a numeric')
  return word
}

/** An amount with `,` between thousands and `.` before the fraction. */
const moneyForm = /^([-(]?)([^\d.,()-]*)(-?)(0|[1-9]\d{0,2}(?:,\d{3})*|[1-9]\d*)(\.\d{2})?([^\d.,()-]*)([-)]?)$/

/** Returns the amount of a money value as a decimal text. Supports locales that write `.` before the fraction. */
export function moneyText(bytes: Buffer, start: number, end: number): string {
  const parts = moneyForm.exec(bytes.toString('utf8', start, end))
  const [, before = '', sign = '', inner = '', whole = '', fraction = '', signBehind = '', behind = ''] = parts ?? []
  const signs = before + inner + behind
  const isOne = signs.length < 2 ? signs !== '(' && signs !== ')' : signs === '()'
  if (parts === null || !isOne || (sign !== '' && signBehind !== '')) {
    throw new DataError('the amount of money has no "." before its fraction (lc_monetary)')
  }
  return `${signs === '' ? '' : '-'}${whole.replaceAll(',', '')}${fraction}`
}

/** money as a decimal with this many fraction digits. */
export function moneyDecoder(digits: number, onUnrepresentable: OnUnrepresentable): ValueDecoder {
  return (bytes, start, end) => {
    const text = moneyText(bytes, start, end)
    const point = text.indexOf('.')
    const fits = point < 0 || !/[1-9]/.test(text.slice(point + 1 + digits))
    if (!fits) return onUnrepresentable('an amount with more fraction digits than money.fraction.digits')
    return point < 0 ? text : text.slice(0, point + 1 + digits).replace(/\.$/, '')
  }
}
