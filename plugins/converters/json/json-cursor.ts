import { readText, type TextMemo } from 'penstock/api'

export const codes = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  point: 0x2e,
  zero: 0x30,
  nine: 0x39,
  upperE: 0x45,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  lowerE: 0x65,
  n: 0x6e,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const

/** Which bytes end the plain part of a string: the quote, an escape, and what no string may have. */
const endsText = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === codes.quote || byte === codes.backslash ? 1 : 0,
)

/** Integers with fewer digits are exact while they are added up. */
const exactDigits = 15
const longDigits = 19
/** Below it, an integer of 16 digits has been added up exactly. */
const exactLimit = 9_000_000_000_000_000

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= codes.zero && byte <= codes.nine

/**
 * Reads JSON in UTF-8 from one place on. What it does not read, because it is wrong or unusual, makes it fail: the caller then parses the
 * whole, which says what is wrong.
 */
export class JsonCursor {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  failed = false

  begin(bytes: Buffer, at: number): void {
    this.bytes = bytes
    this.at = at
    this.failed = false
  }

  /** The byte at the place; undefined at the end. */
  get next(): number | undefined {
    return this.bytes[this.at]
  }

  fail(): null {
    this.failed = true
    return null
  }

  /** Moves past these bytes. Returns false if others are there. */
  skip(expected: Uint8Array): boolean {
    const { bytes, at } = this
    const { length } = expected
    for (let i = 0; i < length; i += 1) if (bytes[at + i] !== expected[i]) return false
    this.at = at + length
    return true
  }

  /** Moves past this byte. Returns false if another one is there. */
  skipByte(expected: number): boolean {
    if (this.bytes[this.at] !== expected) return false
    this.at += 1
    return true
  }

  /** A string; null if it fails. @param memo of the field */
  text(memo: TextMemo | null): string | null {
    if (!this.skipByte(codes.quote)) return this.fail()
    const { bytes, at: start } = this
    let at = start
    while (endsText[bytes[at] ?? 0] === 0) at += 1
    if (bytes[at] === codes.backslash) return this.#escapedText(start, at)
    if (bytes[at] !== codes.quote) return this.fail()
    this.at = at + 1
    return readText(bytes, start, at - start, memo)
  }

  #escapedText(start: number, firstEscape: number): string | null {
    const { bytes } = this
    let at = firstEscape
    while (bytes[at] !== codes.quote) {
      if (bytes[at] === undefined) return this.fail()
      at += bytes[at] === codes.backslash ? 2 : 1
    }
    this.at = at + 1
    try {
      return JSON.parse(bytes.toString('utf8', start - 1, at + 1)) as string
    } catch {
      return this.fail()
    }
  }

  /** An integer of up to 19 digits, a bigint past 2^53; null if it fails. As Kafka's converter does, it accepts leading zeros. */
  integer(): number | bigint | null {
    const { bytes, at: start } = this
    const isNegative = bytes[start] === codes.minus
    const first = isNegative ? start + 1 : start
    let at = first
    let value = 0
    for (let byte = bytes[at]; byte !== undefined && byte >= codes.zero && byte <= codes.nine; byte = bytes[at]) {
      value = value * 10 + (byte - codes.zero)
      at += 1
    }
    const digits = at - first
    if (digits === 0 || digits > longDigits) return this.fail()
    this.at = at
    if (digits <= exactDigits || value < exactLimit) return isNegative ? -value : value
    const exact = BigInt(bytes.toString('latin1', start, at))
    const rounded = Number(exact)
    return Number.isSafeInteger(rounded) ? rounded : exact
  }

  /** The text of a number in JSON's grammar, perhaps with leading zeros; null if it fails. */
  number(): string | null {
    const { bytes, at: start } = this
    const first = bytes[start] === codes.minus ? start + 1 : start
    let at = this.#digits(first)
    if (at === first) return this.fail()
    if (bytes[at] === codes.point) {
      const fraction = at + 1
      at = this.#digits(fraction)
      if (at === fraction) return this.fail()
    }
    if (bytes[at] === codes.lowerE || bytes[at] === codes.upperE) return this.#withExponent(start, at + 1)
    this.at = at
    return bytes.toString('latin1', start, at)
  }

  #withExponent(start: number, sign: number): string | null {
    const { bytes } = this
    const first = bytes[sign] === codes.minus || bytes[sign] === 0x2b ? sign + 1 : sign
    const at = this.#digits(first)
    if (at === first) return this.fail()
    this.at = at
    return bytes.toString('latin1', start, at)
  }

  #digits(from: number): number {
    const { bytes } = this
    let at = from
    while (isDigit(bytes[at])) at += 1
    return at
  }
}
