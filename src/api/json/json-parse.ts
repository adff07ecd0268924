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
/** The mark and two quotes. */
const markLength = 3
const holdsMark = /\u0080|\\u0080/
const numbersAndStrings = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
const longInteger = /^-?[1-9]\d+$/
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function parseStrict(text: string, exactFractions: boolean): JsonValue {
  const markedText = markLongNumbers(text, exactFractions)
  if (markedText === text) return parseLoneNumber(text, exactFractions) ?? (JSON.parse(text) as JsonValue)
  if (!holdsMark.test(text)) {
    const parsed = parseOrUndefined(markedText)
    if (parsed !== undefined) return takeMarksOff(parsed, (markedText.length - text.length) / markLength)
  }
  return parseBySource(text, exactFractions)
}

/** So many characters in a row are the least that can be a number which a double does not hold exactly. */
const longNumber = 16

/**
 * Puts marks around numbers that a double may not hold exactly. Such a number covers at least one place of each 16, so that the others
 * are not looked at.
 */
function markLongNumbers(text: string, exactFractions: boolean): string {
  let marked = ''
  let copied = 0
  for (let i = longNumber - 1; i < text.length; i += longNumber) {
    if (!isOfNumber(text.charCodeAt(i), exactFractions)) continue
    let start = i
    while (start > 0 && isOfNumber(text.charCodeAt(start - 1), exactFractions)) start -= 1
    let end = i + 1
    while (end < text.length && isOfNumber(text.charCodeAt(end), exactFractions)) end += 1
    // Without fractions, a sign is not counted as a part of the number.
    const first = !exactFractions && text.charCodeAt(start - 1) === minus ? start - 1 : start
    if (isLong(text, start, end, exactFractions) && isValue(text, first, end)) {
      marked += `${text.slice(copied, first)}"${mark}${text.slice(first, end)}"`
      copied = end
    }
    i += Math.floor((end - 1 - i) / longNumber) * longNumber
  }
  return copied === 0 ? text : marked + text.slice(copied)
}

const minus = 0x2d
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

function isLong(text: string, start: number, end: number, withFractions: boolean): boolean {
  // Integers of 16 digits are exact up to 9007199254740992.
  if (!withFractions) return end - start > longNumber || (end - start === longNumber && text.charCodeAt(start) === 0x39)
  const first = text.charCodeAt(start) === minus ? start + 1 : start
  return end - first >= longNumber && isDigit(text.charCodeAt(first))
}

/** Returns whether a value of JSON may begin and end at these places. */
function isValue(text: string, start: number, end: number): boolean {
  let before = start - 1
  while (isSpace(text.charCodeAt(before))) before -= 1
  let after = end
  while (isSpace(text.charCodeAt(after))) after += 1
  return ':[,'.includes(text.charAt(before) || ' ') && ',]}'.includes(text.charAt(after) || ' ')
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** Returns whether a character may be in a number: a digit, and with fractions also one of `.eE+-`. */
function isOfNumber(code: number, withFractions: boolean): boolean {
  if (isDigit(code)) return true
  return withFractions && (code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === minus)
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

/** The way from the root of a tree to one of its values. */
type Path = readonly string[]

/** Where the marks were in texts before, the last one first. Most texts are events of a few tables, with their long numbers in the same places. */
let knownPaths: readonly (readonly Path[])[] = []
const maxKnown = 8
/** Of more marks in one text the places are not remembered. */
const maxPaths = 32

/** Replaces in place, because no other code has the tree. @param count how many marks the text has */
function takeMarksOff(json: JsonValue, count: number): JsonValue {
  for (const paths of knownPaths) if (paths.length === count && restoreAt(json, paths)) return json
  const paths: Path[] = []
  const restored = restoreAll(json, [], paths)
  if (paths.length > 0 && paths.length <= maxPaths) knownPaths = [paths, ...knownPaths].slice(0, maxKnown)
  return restored
}

/** Returns whether there is a mark at the end of each path; only then they are removed. */
function restoreAt(json: JsonValue, paths: readonly Path[]): boolean {
  const parents: Record<string, JsonValue>[] = []
  for (const path of paths) {
    const parent = parentAt(json, path)
    if (parent === null) return false
    parents.push(parent)
  }
  for (let i = 0; i < paths.length; i += 1) {
    const [parent, key] = [parents[i], paths[i]?.at(-1)]
    if (parent !== undefined && key !== undefined) parent[key] = exactly(String(parent[key]).slice(1), true)
  }
  return true
}

/** Returns the object or array with the marked text at the end of the path; null if there is none. */
function parentAt(json: JsonValue, path: Path): Record<string, JsonValue> | null {
  let at: JsonValue | undefined = json
  let parent: Record<string, JsonValue> | null = null
  for (let i = 0; i < path.length; i += 1) {
    const key = path[i] as string
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return null
    parent = at as Record<string, JsonValue>
    at = parent[key]
  }
  return isMarked(at) ? parent : null
}

const isMarked = (json: JsonValue | undefined): boolean => typeof json === 'string' && json.startsWith(mark)

/** Removes all marks. @param path to the value @param found receives the paths to the marks, up to one more than are remembered */
function restoreAll(json: JsonValue, path: string[], found: Path[]): JsonValue {
  if (typeof json === 'string') return json.startsWith(mark) ? exactly(json.slice(1), true) : json
  if (typeof json !== 'object' || json === null) return json
  const tree = json as Record<string, JsonValue>
  for (const key in tree) {
    const member = tree[key]
    if (member === undefined || member === null || (typeof member !== 'object' && !isMarked(member))) continue
    path.push(key)
    if (typeof member === 'string' && found.length <= maxPaths) found.push([...path])
    tree[key] = restoreAll(member, path, found)
    path.pop()
  }
  return json
}

/** Returns the value of a number's text in the smallest form that preserves it. */
function exactly(text: string, exactFractions: boolean): JsonValue {
  const value = Number(text)
  if (longInteger.test(text)) return Number.isSafeInteger(value) ? value : BigInt(text)
  if (!jsonNumber.test(text)) throw new SyntaxError(`Unexpected number in JSON: ${text}`)
  if (Number.isSafeInteger(value)) return value
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
