import type { ByteSink } from './byte-sink.ts'
import type { ConnectValue } from '../schema.ts'

// eslint-disable-next-line no-control-regex -- these are the characters that JSON wants escaped
const needsEscape = /["\\\u0000-\u001f\ud800-\udfff]/
const escapeSequence = /\\(?:u[0-9a-f]{4}|[^])/g

const hasSurrogate = /[\ud800-\udfff]/
const surrogate = /[\ud800-\udfff]/g

/**
 * Returns a JSON string with Jackson's escapes: `\u001F` in upper case, and no others for characters from space on.
 */
export function quoteJson(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`
  const json = upperCaseEscapes(JSON.stringify(text))
  return hasSurrogate.test(json) ? json.replace(surrogate, escapeSurrogate) : json
}

const shortText = 64
const doubleQuote = 0x22
const backslash = 0x5c

/** Writes {@link quoteJson} to a sink. */
export function quoteJsonTo(sink: ByteSink, text: string): void {
  if (text.length > shortText || !quoteShort(sink, text)) quoteLong(sink, text)
}

/** Writes short ASCII text by character, which is faster than a call on the whole text. Returns false for any other text. */
function quoteShort(sink: ByteSink, text: string): boolean {
  const { length } = text
  sink.reserve(2 * length + 2)
  const { buffer } = sink
  let at = sink.position
  buffer[at] = doubleQuote
  at += 1
  for (let i = 0; i < length; i += 1) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7f) return false
    if (code === doubleQuote || code === backslash) {
      buffer[at] = backslash
      at += 1
    }
    buffer[at] = code
    at += 1
  }
  buffer[at] = doubleQuote
  sink.position = at + 1
  return true
}

function quoteLong(sink: ByteSink, text: string): void {
  if (needsEscape.test(text)) {
    sink.utf8(quoteJson(text))
    return
  }
  sink.byte(doubleQuote)
  sink.utf8(text)
  sink.byte(doubleQuote)
}

function escapeSurrogate(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`
}

/** Changes `\u001f` of `JSON.stringify` to Jackson's `\u001F`. */
export function upperCaseEscapes(json: string): string {
  if (!json.includes('\\u')) return json
  return json.replace(escapeSequence, (found) => (found.length === 2 ? found : `\\u${found.slice(2).toUpperCase()}`))
}

const sourceText = Symbol('the JSON text a value was parsed from')

/**
 * Stores the text from which a schemaless object or array was parsed, so that {@link plainJson} returns it unchanged: `1.0`
 * stays `1.0`, members keep their order (I11). Only single-line text is stored, because JSON Lines requires it.
 */
export function keepJsonText(value: ConnectValue, text: string): void {
  if (typeof value !== 'object' || value === null || text.includes('\n') || text.includes('\r')) return
  // Not enumerable, because a copy made by spreading is another value, with another text.
  Object.defineProperty(value, sourceText, { value: text })
}

/**
 * Returns a value without a schema as JSON on one line: the text from which it was parsed if that is stored, otherwise compact
 * JSON. Integers keep all digits, bytes become base64, NaN and infinities become strings, a Map becomes an object, or an array
 * of `[key,value]` if a key is not a string.
 */
export function plainJson(value: ConnectValue): string {
  if (typeof value === 'object' && value !== null) {
    const text = (value as { readonly [sourceText]?: string })[sourceText]
    if (text !== undefined) return text
  }
  return upperCaseEscapes(isPlainJson(value) ? JSON.stringify(value) : writePlain(value))
}

/** Returns whether `JSON.stringify` writes the value without loss. */
function isPlainJson(value: ConnectValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint'
  if (isArray(value)) {
    for (const item of value) if (!isPlainJson(item)) return false
    return true
  }
  if (value instanceof Uint8Array || isMap(value)) return false
  for (const key in value) if (!isPlainJson(value[key] ?? null)) return false
  return true
}

function writePlain(value: ConnectValue): string {
  if (typeof value === 'string') return quoteJson(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Uint8Array) return quoteBase64(value)
  if (isMap(value)) return writeMap(value)
  let text = ''
  if (isArray(value)) {
    for (const item of value) text += (text === '' ? '' : ',') + writePlain(item)
    return `[${text}]`
  }
  for (const key in value) text += `${(text === '' ? '' : ',') + quoteJson(key)}:${writePlain(value[key] ?? null)}`
  return `{${text}}`
}

function writeMap(map: ReadonlyMap<ConnectValue, ConnectValue>): string {
  const entries = [...map]
  if (entries.every(([key]) => typeof key === 'string')) {
    return `{${entries.map(([key, item]) => `${writePlain(key)}:${writePlain(item)}`).join(',')}}`
  }
  return `[${entries.map(([key, item]) => `[${writePlain(key)},${writePlain(item)}]`).join(',')}]`
}

/** Returns the bytes as a JSON string in standard base64 with padding. */
export function quoteBase64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`
}

/** `Array.isArray` with a type guard for readonly arrays. */
export function isArray(value: ConnectValue): value is readonly ConnectValue[] {
  return Array.isArray(value)
}

/** Returns whether a value is a Map. */
export function isMap(value: ConnectValue): value is ReadonlyMap<ConnectValue, ConnectValue> {
  return value instanceof Map
}
