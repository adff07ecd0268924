import type { PlainMap } from 'penstock/api'
import { jsonOf, parseExact } from './json-text.ts'

const field = '@timestamp'

/**
 * Adds `@timestamp` to a document: the text of the first of `fields` that it has at its top level; nothing where it has none of them. Without
 * `fields`, the timestamp of the record in milliseconds of the epoch, if it has one. What the document has under this name is replaced.
 */
export function withTimestamp(json: string, timestamp: number | null, fields: readonly string[]): string {
  if (fields.length === 0 && !json.includes(`"${field}"`))
    return timestamp === null ? json : `{"${field}":${timestamp}${json === '{}' ? '' : ','}${json.slice(1)}`
  const document = parseExact(json) as PlainMap
  const value = fields.length === 0 ? timestamp : textOf(document, fields)
  if (value === null) return json
  return jsonOf({ ...document, [field]: value })
}

function textOf(document: PlainMap, fields: readonly string[]): string | null {
  const found = fields.find((name) => Object.hasOwn(document, name))
  if (found === undefined) return null
  const value = document[found]
  return typeof value === 'string' ? value : JSON.stringify(value)
}
