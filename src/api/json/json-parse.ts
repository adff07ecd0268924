/** A number with fraction or exponent that a double cannot represent exactly, kept for the reader of a Decimal (I11). */
export class ExactNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A parsed JSON value. Integers above 2^53 are bigint; {@link ExactNumber} occurs only with `exactFractions`. */
export type JsonValue = null | boolean | number | bigint | string | ExactNumber | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/**
 * Parses JSON without losing digits of integers, close to the speed of `JSON.parse`. Numbers with leading zeros are
 * accepted, as Kafka's JsonConverter does.
 * @param exactFractions whether to return fractions that a double cannot represent as {@link ExactNumber}.
 * @throws SyntaxError if the text is not JSON.
 */
export function parseJson(text: string, exactFractions = false): JsonValue {
  try {
    return parseStrict(text, exactFractions)
  } catch (error) {
    const mended = text.replace(numbersAndStrings, (token) =>
      token.startsWith('"') ? token : token.replace(/^(-?)0+(?=\d)/, '$1'),
    )
    if (mended === text) throw error
    return parseStrict(mended, exactFractions)
  }
}

// Almost every change event has a number that does not fit a double, because of Debezium's nanosecond timestamps. Such numbers
// are replaced by marked strings before `JSON.parse`, and restored afterwards. The mark is a control character in Latin-1, so
// that V8 keeps the text in one byte per character. A text that contains the mark is parsed by the slow path.
const mark = '\u0080'
const holdsMark = /\u0080|\\u0080/
const unsafeIntegers = /([:[,]\s*)(-?0*(?:\d{17,}|9\d{15}))(?=\s*[,\]}])/g
const longNumbers = /([:[,]\s*)(-?\d[\d.eE+-]{15,})(?=\s*[,\]}])/g
const marked = `$1"${mark}$2"`
const numbersAndStrings = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function parseStrict(text: string, exactFractions: boolean): JsonValue {
  const markedText = text.replace(exactFractions ? longNumbers : unsafeIntegers, marked)
  if (markedText === text) return parseLoneNumber(text, exactFractions) ?? (JSON.parse(text) as JsonValue)
  if (!holdsMark.test(text)) {
    const parsed = parseOrUndefined(markedText)
    if (parsed !== undefined) return takeMarksOff(parsed)
  }
  return parseBySource(text, exactFractions)
}

/** A digit after the end of a string is invalid, so a number that was found inside a string causes a parse error. */
function parseOrUndefined(markedText: string): JsonValue | undefined {
  try {
    return JSON.parse(markedText) as JsonValue
  } catch {
    return undefined
  }
}

function parseLoneNumber(text: string, exactFractions: boolean): JsonValue | undefined {
  if (text.length < 16 || text.startsWith('{')) return undefined
  const trimmed = text.trim()
  return jsonNumber.test(trimmed) ? exactly(trimmed, exactFractions) : undefined
}

/** Replaces in place, because no other code has the tree. */
function takeMarksOff(json: JsonValue): JsonValue {
  if (typeof json === 'string') return json.startsWith(mark) ? exactly(json.slice(1), true) : json
  if (typeof json !== 'object' || json === null) return json
  const tree = json as Record<string, JsonValue>
  for (const key in tree) {
    const member = tree[key]
    if (member === undefined) continue
    if (typeof member === 'string' ? member.startsWith(mark) : typeof member === 'object' && member !== null) {
      tree[key] = takeMarksOff(member)
    }
  }
  return json
}

/** Returns the value of a number's text in the smallest form that preserves it. */
function exactly(text: string, exactFractions: boolean): JsonValue {
  if (!jsonNumber.test(text)) throw new SyntaxError(`Unexpected number in JSON: ${text}`)
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  if (/^-?\d+$/.test(text)) return BigInt(text)
  return exactFractions && text.length >= 16 ? new ExactNumber(text) : value
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** `JSON.parse` with source text access in the reviver, which TypeScript's type definitions do not have. */
const parseWithSource = JSON.parse as (text: string, reviver: SourceReviver) => unknown

function parseBySource(text: string, exactFractions: boolean): JsonValue {
  const revive: SourceReviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exactly(source, exactFractions) : value
  return parseWithSource(text, revive) as JsonValue
}

/** Decodes UTF-8. */
export function utf8(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return buffer.toString('utf8')
}

/** Returns whether a parsed value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
}

/** Returns the kind of a parsed value for error messages. */
export function jsonKind(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof ExactNumber || typeof value === 'bigint') return 'number'
  return typeof value
}
