import { DataError } from '../api/errors.ts'
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../api/json/json-parse.ts'
import { plainJson, quoteJson } from '../api/json/json-text.ts'
import type { SourceOffset, SourcePartition } from '../api/record.ts'
import type { PlainMap } from '../api/schema.ts'

/** A record of the offset topic. A null offset removes it. */
export interface SourceOffsetRecord {
  readonly connector: string
  readonly partition: SourcePartition
  readonly offset: SourceOffset | null
}

/** Returns the key of a source partition: `["<connector>",{<partition>}]`. @throws DataError when a value is nested. */
export function encodeOffsetKey(connector: string, partition: SourcePartition): string {
  checkFlat(partition, 'partition')
  return `[${quoteJson(connector)},${plainJson(partition)}]`
}

/** Returns the value of a source partition: its offset, or a tombstone. @throws DataError when a value is nested. */
export function encodeOffsetValue(offset: SourceOffset | null): string | null {
  if (offset === null) return null
  checkFlat(offset, 'offset')
  return plainJson(offset)
}

/** Returns a field that no source partition or offset can have; null if there is none. As in Connect, values are not nested. */
export function nestedField(map: PlainMap): string | null {
  const isNested = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
  return Object.entries(map).find(([, value]) => isNested(value))?.[0] ?? null
}

function checkFlat(map: PlainMap, what: string): void {
  const name = nestedField(map)
  if (name === null) return
  throw new DataError(
    `Offsets may only contain primitive types as values, but field ${name} of a source ${what} is nested`,
  )
}

/**
 * Decodes a record of the offset topic.
 * @throws DataError with the reason
 */
export function decodeOffsetRecord(key: string | null, value: string | null): SourceOffsetRecord {
  if (key === null) throw new DataError('it has no key')
  const parsed = parse(key, 'key')
  const [connector, partition] = Array.isArray(parsed) ? (parsed as readonly JsonValue[]) : []
  if (!Array.isArray(parsed) || parsed.length !== 2 || typeof connector !== 'string' || !isJsonObject(partition))
    throw new DataError('its key is not an array of a connector name and a partition')
  const offset = value === null ? null : parse(value, 'value')
  if (offset !== null && !isJsonObject(offset)) throw new DataError('its value is not an object')
  return { connector, partition: partition as SourcePartition, offset: offset as SourceOffset | null }
}

function parse(text: string, what: string): JsonValue {
  try {
    return parseJson(text)
  } catch {
    throw new DataError(`its ${what} is not JSON`)
  }
}

/** Returns the same text for partitions with the same members in any order, as Java and other writers order them differently. */
export function partitionIdentity(partition: SourcePartition | JsonObject): string {
  const members = Object.entries(partition).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return plainJson(members as never)
}
