import { DataError, isArray, isMap, noHeaders, primitive, type ConnectValue, type Header } from 'penstock/api'

import type { StoredValue } from '../format/record-format.ts'

const text = primitive('STRING', { optional: true })

/**
 * Returns the headers that an object of headers has for a record: a list of keys and texts, in JSON and Parquet in a member
 * `headers`. @throws DataError
 */
export function headersOf({ schema, value }: StoredValue): readonly Header[] {
  const list = schema?.type === 'STRUCT' && isArray(value) ? (value[0] ?? null) : memberOf(value, 'headers')
  if (list === null) return noHeaders
  if (!isArray(list)) throw new DataError('an object of headers has something else than a list')
  return list.map((item) => {
    const [key, own] = isArray(item) ? item : [memberOf(item, 'key'), memberOf(item, 'value')]
    if (typeof key !== 'string') throw new DataError('an object of headers has a header without a key')
    return { key, schema: text, value: own === undefined || own === null ? null : String(own) }
  })
}

/** The member of a map without a schema; the value itself if it is none. */
function memberOf(value: ConnectValue, name: string): ConnectValue {
  if (typeof value !== 'object' || value === null || isArray(value) || value instanceof Uint8Array) return value
  if (isMap(value)) return value.get(name) ?? null
  return (value as Readonly<Record<string, ConnectValue>>)[name] ?? null
}
