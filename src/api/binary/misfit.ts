import { DataError } from '../errors.ts'
import { isArray } from '../json/json-text.ts'
import type { ConnectValue, Schema } from '../schema.ts'

/** @throws DataError that says of which kind the value is that does not match the schema, as JsonConverter does */
export function misfit({ type }: Schema, path: string, value: ConnectValue): never {
  const kind = value instanceof Uint8Array ? 'bytes' : isArray(value) ? 'array' : value === null ? 'null' : typeof value
  throw new DataError(`Invalid type for ${type}${atPath(path)}: ${kind}`)
}

/** Where a message of an error ends with the path of a field: nothing for the value itself. */
export function atPath(path: string): string {
  return path === '' ? '' : `: "${path}"`
}
