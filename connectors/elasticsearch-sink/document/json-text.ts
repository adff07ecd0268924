import type { ConnectValue, PlainMap } from 'penstock/api'

/** Compact JSON of a value without schema. int64 past 2^53 keeps its digits (I11), bytes become base64, maps objects. */
export function jsonOf(value: ConnectValue): string {
  try {
    // V8's fast path: nearly every schemaless record is plain JSON.
    if (!isExotic(value)) return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  return JSON.stringify(value, replacer)
}

function isExotic(value: ConnectValue): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint'
  if (value instanceof Uint8Array || value instanceof Map) return true
  for (const part of Object.values(value)) if (part instanceof Uint8Array || part instanceof Map) return true
  return false
}

/** Replaces only values that JSON lacks. `this[key]` is the value before a Buffer's own toJSON has run. */
function replacer(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key]
  if (typeof original === 'bigint') return rawJson(String(original))
  if (original instanceof Uint8Array) return Buffer.from(original).toString('base64')
  if (original instanceof Map) return Object.fromEntries([...original].map(([k, v]) => [String(k), v]))
  return value
}

/** Returns whether a value is a schemaless map: a plain object. */
export function isObject(value: ConnectValue | undefined): value is PlainMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Map)
  )
}

interface RawJson {
  rawJSON(text: string): unknown
}

/** A token that `JSON.stringify` writes as it is: numbers keep digits that a double would lose. */
export function rawJson(token: string): unknown {
  return (JSON as unknown as RawJson).rawJSON(token)
}

/** Parses JSON so that writing it again keeps all digits of its numbers. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, ((_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? rawJson(context.source)
      : value) as (key: string, value: unknown) => unknown)
}
