import { ConfigError, fieldOf, isArray, isMap, type ConnectValue, type Schema } from 'penstock/api'

import { isPlainMap, memberOf } from '../record/plain-map.ts'

/** The names and indexes on the way to a value. */
export type JsonPath = readonly (string | number)[]

const steps = /\.([^.[\]'"*?@()]+)|\[(?:'([^']+)'|"([^"]+)"|(\d+))\]/y

/**
 * Parses a path to one value: `$.a.b`, `$['a']["b"]`, `$.list[0]`.
 * @throws ConfigError for others, such as those with wildcards and filters.
 */
export function parseJsonPath(text: string, key: string): JsonPath {
  const path: (string | number)[] = []
  let at = text.startsWith('$') ? 1 : 0
  const first = at === 0 ? /^[^.[\]'"*?@()]+/.exec(text)?.[0] : undefined
  if (first !== undefined) path.push(first)
  at += first?.length ?? 0
  while (at < text.length) {
    steps.lastIndex = at
    const match = steps.exec(text)
    if (match === null) throw notOne(text, key)
    path.push(match[4] === undefined ? (match[1] ?? match[2] ?? match[3] ?? '') : Number(match[4]))
    at += match[0].length
  }
  if (path.length === 0) throw notOne(text, key)
  return path
}

function notOne(text: string, key: string): ConfigError {
  return new ConfigError(
    `Invalid value ${text} for configuration ${key}: a JSON path names one value, such as $.a.b, $['a']['b'] or $.list[0]`,
    { key },
  )
}

/** Returns the value at a path; null if there is none. */
export function atPath(schema: Schema | null, value: ConnectValue, path: JsonPath): ConnectValue {
  let [type, found]: [Schema | null, ConnectValue] = [schema, value]
  for (const step of path) {
    if (found === null) return null
    ;[type, found] = typeof step === 'number' ? item(type, found, step) : member(type, found, step)
  }
  return found
}

function item(schema: Schema | null, value: ConnectValue, index: number): [Schema | null, ConnectValue] {
  const isList = isArray(value) && schema?.type !== 'STRUCT'
  return [schema?.valueSchema ?? null, isList ? (value[index] ?? null) : null]
}

function member(schema: Schema | null, value: ConnectValue, name: string): [Schema | null, ConnectValue] {
  if (schema === null) return [null, isPlainMap(value) ? memberOf(value, name) : null]
  if (isMap(value)) return [schema.valueSchema, value.get(name) ?? null]
  const field = schema.type === 'STRUCT' ? fieldOf(schema, name) : undefined
  if (field === undefined || !isArray(value)) return [null, null]
  return [field.schema, value[field.index] ?? field.schema.defaultValue ?? null]
}
