import { isArray, isMap } from '../../../api/json/json-text.ts'
import { parseJson } from '../../../api/json/json-parse.ts'
import type { ConnectValue } from '../../../api/schema.ts'

/**
 * Parses a key that a person has typed: JSON, or else a text. Returns whether a record has this key: the same fields with the same
 * values, in any order; for a key with one field, its value will do. Numbers and texts are the same if they look the same.
 */
export function keyTest(typed: string): (key: ConnectValue) => boolean {
  const wanted = parsed(typed)
  return (key) => isSame(key, wanted) || isSame(onlyField(key), wanted)
}

function parsed(typed: string): ConnectValue {
  try {
    return parseJson(typed) as ConnectValue
  } catch {
    return typed
  }
}

function isSame(one: ConnectValue, other: ConnectValue): boolean {
  const [fields, others] = [fieldsOf(one), fieldsOf(other)]
  if (fields === null || others === null) return fields === others && textOf(one) === textOf(other)
  if (fields.size !== others.size) return false
  return [...fields].every(([name, value]) => others.has(name) && isSame(value, others.get(name) ?? null))
}

/** Null for what has no fields. */
function fieldsOf(value: ConnectValue): ReadonlyMap<string, ConnectValue> | null {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null
  if (isArray(value)) return new Map(value.map((item, index) => [String(index), item]))
  return new Map([...(isMap(value) ? value : Object.entries(value))].map(([name, item]) => [textOf(name), item]))
}

function textOf(value: ConnectValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  return typeof value === 'object' && value !== null ? '' : String(value)
}

function onlyField(key: ConnectValue): ConnectValue {
  const fields = isArray(key) ? null : fieldsOf(key)
  const [only = null] = fields?.size === 1 ? fields.values() : []
  return fields?.size === 1 ? only : key
}
