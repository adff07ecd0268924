/** A fraction or exponent number whose digits a double cannot hold: kept for the reader of a Decimal. */
export class ExactNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What JSON parses to: integers past 2^53 are bigint; {@link ExactNumber} only where it was asked for. */
export type JsonValue = null | boolean | number | bigint | string | ExactNumber | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/**
 * Parses JSON without losing digits of integers, close to the speed of `JSON.parse`. Numbers with leading zeros are
 * accepted, as Kafka's JsonConverter does.
 * @param exactFractions also keep fractions that a double cannot hold, as {@link ExactNumber}.
 * @throws SyntaxError when the text is no JSON.
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

// Debezium's nanosecond timestamps do not fit a double, so that almost every change event has such a number: they are
// turned into marked strings, `JSON.parse` does the rest, and the marks are taken off again. The mark is a control
// character of Latin-1, which keeps the text in one byte a character; a text that holds it already takes the long way.
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

/** A digit that follows the end of a string is never JSON: what looked like a number inside a string shows as an error. */
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

/** Replaces in place: the tree is ours. */
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

/** The value of a number's text, in the smallest form that holds all of it. */
function exactly(text: string, exactFractions: boolean): JsonValue {
  if (!jsonNumber.test(text)) throw new SyntaxError(`Unexpected number in JSON: ${text}`)
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  if (/^-?\d+$/.test(text)) return BigInt(text)
  return exactFractions && text.length >= 16 ? new ExactNumber(text) : value
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** `JSON.parse` whose reviver sees the source text of numbers, which the language's type definitions lack as yet. */
const parseWithSource = JSON.parse as (text: string, reviver: SourceReviver) => unknown

function parseBySource(text: string, exactFractions: boolean): JsonValue {
  const revive: SourceReviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exactly(source, exactFractions) : value
  return parseWithSource(text, revive) as JsonValue
}

/** The UTF-8 text of bytes. */
export function utf8(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return buffer.toString('utf8')
}

/** Whether a parsed value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
}

/** What a parsed value is called in error texts. */
export function jsonKind(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof ExactNumber || typeof value === 'bigint') return 'number'
  return typeof value
}
