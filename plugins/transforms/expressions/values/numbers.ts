import { DataError, decimalParts, decimalTextOf, javaDoubleText, javaFloatText } from 'penstock/api'

import { bigDecimalText } from '../../numbers/java-numbers.ts'

/** Java's Byte and Short, which are Integers in arithmetic. */
export class Small {
  readonly value: number
  readonly bits: 8 | 16

  constructor(value: number, bits: 8 | 16) {
    this.value = value
    this.bits = bits
  }
}

/** Java's Float and Double. A Float is the double of the same value. */
export class Floating {
  readonly value: number
  readonly bits: 32 | 64

  constructor(value: number, bits: 32 | 64) {
    this.value = value
    this.bits = bits
  }
}

/** Java's BigDecimal. */
export class Decimal {
  readonly unscaled: bigint
  readonly scale: number

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled
    this.scale = scale
  }
}

/** A number of Groovy: an Integer is a number, a Long a bigint. */
export type JavaNumber = number | bigint | Small | Floating | Decimal

export type Arithmetic = '+' | '-' | '*' | '/' | '%'

/** More digits than this have no use, and cost time. */
const maxDigits = 5000
const tooLarge = 10n ** 5000n

export function isNumber(value: unknown): value is JavaNumber {
  return (
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Small ||
    value instanceof Floating ||
    value instanceof Decimal
  )
}

/** Returns the decimal of a text such as `-12.50` or `1e3`. */
export function decimalOf(text: string): Decimal {
  const { digits, scale } = decimalParts(text)
  return new Decimal(text.startsWith('-') ? -BigInt(digits) : BigInt(digits), scale)
}

const plain = (value: JavaNumber): number | bigint | Floating | Decimal =>
  value instanceof Small ? value.value : value

/** Returns a number as a double. */
export function doubleOf(number: JavaNumber): number {
  if (typeof number === 'number') return number
  if (typeof number === 'bigint') return Number(number)
  return number instanceof Decimal ? Number(numberText(number)) : number.value
}

function decimal(number: number | bigint | Decimal): Decimal {
  return number instanceof Decimal ? number : new Decimal(BigInt(number), 0)
}

/** @throws DataError if a decimal has too many digits for arithmetic */
function bounded(number: Decimal): Decimal {
  const { unscaled, scale } = number
  if (unscaled >= tooLarge || unscaled <= -tooLarge || Math.abs(scale) > maxDigits)
    throw new DataError(`a number has more than ${maxDigits} digits`)
  return number
}

/** Brings two decimals to one scale. @throws DataError if that takes too many digits */
function aligned(left: Decimal, right: Decimal): readonly [left: bigint, right: bigint, scale: number] {
  const difference = left.scale - right.scale
  if (difference === 0) return [left.unscaled, right.unscaled, left.scale]
  if (Math.abs(difference) > maxDigits) throw new DataError(`a number has more than ${maxDigits} digits`)
  return difference > 0
    ? [left.unscaled, right.unscaled * 10n ** BigInt(difference), left.scale]
    : [left.unscaled * 10n ** BigInt(-difference), right.unscaled, right.scale]
}

/** Returns the order of two numbers, as Groovy compares them: by value, whatever their classes. */
export function compareNumbers(a: JavaNumber, b: JavaNumber): -1 | 0 | 1 {
  const [left, right] = [plain(a), plain(b)]
  if (left instanceof Floating || right instanceof Floating) return compareDoubles(doubleOf(left), doubleOf(right))
  if (left instanceof Decimal || right instanceof Decimal) {
    const [x, y] = aligned(decimal(left), decimal(right))
    return order(x, y)
  }
  return order(left, right)
}

const order = (left: number | bigint, right: number | bigint): -1 | 0 | 1 => {
  if (left === right) return 0
  if (left < right) return -1
  return left > right ? 1 : 0
}

/** As `Double.compare`: NaN is equal to itself and above all, and -0.0 is below 0.0. */
function compareDoubles(left: number, right: number): -1 | 0 | 1 {
  if (left < right) return -1
  if (left > right) return 1
  if (Object.is(left, right)) return 0
  if (Number.isNaN(right)) return -1
  return Number.isNaN(left) || Object.is(right, -0) ? 1 : -1
}

/** Returns whether two numbers are equal for Java's `equals`: of the same class, a decimal of the same scale. */
export function sameNumber(left: JavaNumber, right: JavaNumber): boolean {
  if (left instanceof Small) return right instanceof Small && left.bits === right.bits && left.value === right.value
  if (left instanceof Floating)
    return right instanceof Floating && left.bits === right.bits && Object.is(left.value, right.value)
  if (left instanceof Decimal)
    return right instanceof Decimal && left.scale === right.scale && left.unscaled === right.unscaled
  return left === right
}

/** Computes as Groovy does: an int and a long overflow, a quotient of integers is a decimal. @throws DataError */
export function compute(operator: Arithmetic, a: JavaNumber, b: JavaNumber): JavaNumber {
  const [left, right] = [plain(a), plain(b)]
  if (left instanceof Floating || right instanceof Floating)
    return new Floating(onDoubles(operator, doubleOf(left), doubleOf(right)), 64)
  if (operator === '/') return quotient(bounded(decimal(left)), bounded(decimal(right)))
  if (left instanceof Decimal || right instanceof Decimal)
    return bounded(onDecimals(operator, bounded(decimal(left)), bounded(decimal(right))))
  if (operator === '%' && Number(right) === 0) throw new DataError('division by zero')
  if (typeof left === 'number' && typeof right === 'number') return onInts(operator, left, right)
  return BigInt.asIntN(64, onLongs(operator, BigInt(left), BigInt(right)))
}

function onDoubles(operator: Arithmetic, left: number, right: number): number {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  if (operator === '*') return left * right
  return operator === '/' ? left / right : left % right
}

function onInts(operator: Arithmetic, left: number, right: number): number {
  if (operator === '+') return (left + right) | 0
  if (operator === '-') return (left - right) | 0
  return operator === '*' ? Math.imul(left, right) : (left % right) + 0
}

function onLongs(operator: Arithmetic, left: bigint, right: bigint): bigint {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  return operator === '*' ? left * right : left % right
}

function onDecimals(operator: Arithmetic, left: Decimal, right: Decimal): Decimal {
  if (operator === '*') return new Decimal(left.unscaled * right.unscaled, left.scale + right.scale)
  const [x, y, scale] = aligned(left, right)
  if (operator === '%') {
    if (y === 0n) throw new DataError('division by zero')
    return new Decimal(x % y, scale)
  }
  return new Decimal(operator === '+' ? x + y : x - y, scale)
}

/** The quotient as of Groovy's BigDecimalMath: exact if it ends, else with ten digits more than the operands, and after the point. */
function quotient(left: Decimal, right: Decimal): Decimal {
  if (right.unscaled === 0n) throw new DataError('division by zero')
  const scale = left.scale - right.scale
  const divisor = gcd(left.unscaled, right.unscaled)
  let [numerator, rest] = [left.unscaled / divisor, right.unscaled / divisor]
  if (rest < 0n) [numerator, rest] = [-numerator, -rest]
  let [twos, fives] = [0, 0]
  let prime = rest
  for (; prime % 2n === 0n; prime /= 2n) twos += 1
  for (; prime % 5n === 0n; prime /= 5n) fives += 1
  const digits = Math.max(twos, fives)
  if (prime === 1n && digits <= maxDigits)
    return new Decimal((numerator * 10n ** BigInt(digits)) / rest, scale + digits)
  const precision = Math.max(digitsOf(left.unscaled), digitsOf(right.unscaled)) + 10
  if (precision > maxDigits) throw new DataError(`a number has more than ${maxDigits} digits`)
  // One division with all digits that can be needed, then one rounding, to the fewer of the two limits.
  const whole = digitsOf(numerator / rest)
  const more = Math.max(precision - (numerator / rest === 0n ? 0 : whole) + digitsOf(rest), 0)
  const exact = new Decimal((numerator * 10n ** BigInt(more)) / rest, scale + more)
  const wanted = Math.max(left.scale, right.scale, 10)
  const precise = exact.scale - Math.max(digitsOf(exact.unscaled) - precision, 0)
  return rounded(exact, Math.min(precise, wanted))
}

/** Rounds half up to a scale. A digit that was cut off before cannot make a half of less. */
function rounded(number: Decimal, scale: number): Decimal {
  const cut = number.scale - scale
  if (cut <= 0) return number
  const unit = 10n ** BigInt(cut)
  const half = number.unscaled < 0n ? -unit / 2n : unit / 2n
  return new Decimal((number.unscaled + half) / unit, scale)
}

const digitsOf = (value: bigint): number => String(value < 0n ? -value : value).length

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** Returns the negative of a number; that of the least int is itself. */
export function negated(number: JavaNumber): JavaNumber {
  const value = plain(number)
  if (typeof value === 'number') return -value | 0
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value)
  return value instanceof Floating ? new Floating(-value.value, value.bits) : new Decimal(-value.unscaled, value.scale)
}

/** Returns the integer of a number, cut to its bits. */
export function integerOf(number: JavaNumber, bits: 32 | 64): number | bigint {
  const value = plain(number)
  const whole =
    value instanceof Decimal
      ? aligned(value, new Decimal(0n, 0))[0] / 10n ** BigInt(Math.max(value.scale, 0))
      : wholeOf(value)
  return bits === 32 ? Number(BigInt.asIntN(32, whole)) : BigInt.asIntN(64, whole)
}

function wholeOf(value: number | bigint | Floating): bigint {
  if (typeof value === 'bigint') return value
  const double = typeof value === 'number' ? value : Math.trunc(value.value)
  return Number.isFinite(double) ? BigInt(double) : 0n
}

/** Returns the text of a number in Java. */
export function numberText(number: JavaNumber): string {
  if (number instanceof Small) return String(number.value)
  if (number instanceof Floating) return number.bits === 32 ? javaFloatText(number.value) : javaDoubleText(number.value)
  if (!(number instanceof Decimal)) return String(number)
  if (Math.abs(number.scale) > maxDigits) throw new DataError(`a number has more than ${maxDigits} digits`)
  return bigDecimalText(decimalTextOf(number.unscaled, number.scale), number.scale)
}
