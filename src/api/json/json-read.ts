import { decimalFromBytes, decimalTextOf, unscaledDecimal } from '../decimal.ts'
import { DataError } from '../errors.ts'
import { ExactNumber, isJsonObject, jsonKind, type JsonValue } from './json-parse.ts'
import { decimalScale, isObjectMap, keySchemaOf, valueSchemaOf } from './json-write.ts'
import { Logical, type ConnectValue, type Field, type Schema } from '../schema.ts'

/** How to read the JSON form of Connect data. */
export interface JsonReadOptions {
  /** Whether null or a missing member is read as the schema's default, if it has one. */
  readonly replaceNullWithDefault: boolean
  /** How entries are read of maps whose keys are not strings: `[key,value]`, as by default, or `{"key":key,"value":value}`. */
  readonly entries?: 'pairs' | 'objects'
  /** Returns whether a struct is a union: its value is in the field that matches best. By default no struct is. */
  readonly isUnion?: (schema: Schema) => boolean
  /** What to do about a value that is required and missing, as the end of the message. */
  readonly adviceIfMissing?: string
}

/** What the readers of a schema share, so that schemas that contain themselves, or one part often, have few readers. */
interface Context extends JsonReadOptions {
  /** How often each struct has been compiled, by its fields. */
  readonly copies: Map<readonly Field[], number>
  readonly structs: Map<readonly Field[], { read: PresentReader }>
}

/** A struct that is in more places than these has one reader for all further ones. */
const maxCopies = 16

/** Converts parsed JSON to the value of a schema. @throws DataError if it does not match. */
export type JsonReader = (json: JsonValue | undefined) => ConnectValue

/** Compiles the reader of a schema's payload. Compile it once per schema object. */
export function jsonReader(schema: Schema, options: JsonReadOptions): JsonReader {
  return nullable(schema, '', { ...options, copies: new Map(), structs: new Map() })
}

/** Returns whether a schema contains a Decimal, whose numbers must not be parsed as doubles (I11). */
export function holdsDecimal(schema: Schema, seen = new Set<readonly Field[]>()): boolean {
  if (schema.name === Logical.decimal) return true
  if (schema.type === 'STRUCT') {
    if (seen.has(schema.fields)) return false
    seen.add(schema.fields)
  }
  const parts = [...schema.fields.map((field) => field.schema), schema.keySchema, schema.valueSchema]
  return parts.some((part) => part !== null && holdsDecimal(part, seen))
}

function nullable(schema: Schema, path: string, options: Context): JsonReader {
  const read = present(schema, path, options)
  const { defaultValue, optional } = schema
  const fallback = options.replaceNullWithDefault && defaultValue !== undefined ? defaultValue : null
  return (json) => {
    if (json !== null && json !== undefined) return read(json)
    if (fallback === null && !optional) {
      throw new DataError(
        `Invalid null value for required ${schema.type} field${at(path)}${options.adviceIfMissing ?? ''}`,
      )
    }
    return fallback
  }
}

type PresentReader = (json: Exclude<JsonValue, null>) => ConnectValue

function present(schema: Schema, path: string, options: Context): PresentReader {
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return integerReader(schema, path, limits[schema.type])
    case 'INT64':
      return (json) => integer64(schema, path, json)
    case 'FLOAT32':
    case 'FLOAT64':
      return (json) => floating(schema, path, json)
    case 'BOOLEAN':
      return (json) => (typeof json === 'boolean' ? json : misfit(schema, path, json))
    case 'STRING':
      return (json) => (typeof json === 'string' ? json : misfit(schema, path, json))
    case 'BYTES':
      if (schema.name === Logical.decimal) return decimalReader(schema, path)
      return (json) => (typeof json === 'string' ? base64(json) : misfit(schema, path, json))
    case 'ARRAY':
      return arrayReader(schema, path, options)
    case 'MAP':
      return mapReader(schema, path, options)
    case 'STRUCT':
      return structReader(schema, path, options)
  }
}

const limits = { INT8: 0x7f, INT16: 0x7fff, INT32: 0x7fff_ffff } as const
const maxLong = 2n ** 63n - 1n

/** Java would take the last bits of a number that does not fit, which is another number (I11). */
function integerReader(schema: Schema, path: string, max: number): PresentReader {
  return (json) => {
    if (typeof json !== 'number' || !Number.isInteger(json)) return misfit(schema, path, json)
    return json <= max && json >= -max - 1 ? json : tooLarge(schema, path, json)
  }
}

function integer64(schema: Schema, path: string, json: JsonValue): ConnectValue {
  if (Number.isSafeInteger(json)) return json as number
  // A number such as 1e18 is an exact integer, although it is not a safe one.
  if (typeof json !== 'bigint' && !Number.isInteger(json)) return misfit(schema, path, json)
  const value = BigInt(json as number | bigint)
  return value <= maxLong && value >= -maxLong - 1n ? value : tooLarge(schema, path, value)
}

function tooLarge(schema: Schema, path: string, value: number | bigint): never {
  throw new DataError(`Invalid JSON for ${schema.name ?? schema.type}${at(path)}: ${value} does not fit ${schema.type}`)
}

function floating(schema: Schema, path: string, json: JsonValue): number {
  if (typeof json === 'number') return json
  if (typeof json === 'bigint') return Number(json)
  if (json instanceof ExactNumber) return Number(json.text)
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json)
  return misfit(schema, path, json)
}

function base64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

/** Reads both decimal formats, whichever is configured for writing. */
function decimalReader(schema: Schema, path: string): PresentReader {
  const scale = decimalScale(schema)
  return (json) => {
    if (typeof json === 'string') return decimalFromBytes(base64(json), scale)
    if (typeof json !== 'number' && typeof json !== 'bigint' && !(json instanceof ExactNumber)) {
      return misfit(schema, path, json)
    }
    return decimalTextOf(unscaledDecimal(json instanceof ExactNumber ? json.text : String(json), scale), scale)
  }
}

function arrayReader(schema: Schema, path: string, options: Context): PresentReader {
  const item = nullable(valueSchemaOf(schema), `${path}[]`, options)
  return (json) => (Array.isArray(json) ? json.map((element: JsonValue) => item(element)) : misfit(schema, path, json))
}

function mapReader(schema: Schema, path: string, options: Context): PresentReader {
  const keySchema = keySchemaOf(schema)
  const key = nullable(keySchema, `${path}{}`, options)
  const item = nullable(valueSchemaOf(schema), `${path}{}`, options)
  if (isObjectMap(keySchema, options.entries)) {
    return (json) => {
      if (!isJsonObject(json)) return misfit(schema, path, json)
      return new Map(Object.entries(json).map(([k, v]) => [k, item(v)]))
    }
  }
  const entryOf = options.entries === 'objects' ? objectEntry : pairEntry
  return (json) => {
    if (!Array.isArray(json)) return misfit(schema, path, json)
    return new Map(
      json.map((entry: JsonValue) => {
        const [k, v] = entryOf(entry, path)
        return [key(k), item(v)]
      }),
    )
  }
}

type Entry = readonly [key: JsonValue | undefined, value: JsonValue | undefined]

function pairEntry(entry: JsonValue, path: string): Entry {
  if (Array.isArray(entry) && entry.length === 2) return entry as unknown as Entry
  throw new DataError(`Invalid map entry${at(path)}: each must be an array of a key and a value`)
}

function objectEntry(entry: JsonValue, path: string): Entry {
  if (isJsonObject(entry)) return [entry['key'], entry['value']]
  throw new DataError(`Invalid map entry${at(path)}: each must be an object with a key and a value`)
}

function structReader(schema: Schema, path: string, options: Context): PresentReader {
  const { fields } = schema
  const copies = options.copies.get(fields) ?? 0
  const known = options.structs.get(fields)
  if (known !== undefined && (copies === 0 || copies >= maxCopies)) return (json) => known.read(json)
  // Until it is complete it counts as none, and what it contains of itself is the same reader.
  const made = { read: (): ConnectValue => null } as { read: PresentReader }
  options.structs.set(fields, made)
  options.copies.set(fields, 0)
  made.read =
    options.isUnion?.(schema) === true ? unionReader(schema, path, options) : fieldsReader(schema, path, options)
  options.copies.set(fields, copies + 1)
  return made.read
}

function fieldsReader(schema: Schema, path: string, options: Context): PresentReader {
  const readers = schema.fields.map((field) => ({
    name: field.name,
    // Parsed objects have no other members that are not their own.
    isInherited: field.name in Object.prototype,
    read: nullable(field.schema, path === '' ? field.name : `${path}.${field.name}`, options),
  }))
  return (json) => {
    if (!isJsonObject(json)) return misfit(schema, path, json)
    const values: ConnectValue[] = []
    for (const { name, isInherited, read } of readers)
      values.push(read(!isInherited || Object.hasOwn(json, name) ? json[name] : null))
    return values
  }
}

/** Reads the value into the field of its type; of structs, into that which has most of the members of the object. */
function unionReader(schema: Schema, path: string, options: Context): PresentReader {
  const readers = schema.fields.map((field) => present(field.schema, path, options))
  return (json) => {
    const best = bestBranch(schema, json, options)
    if (best < 0) return misfit(schema, path, json)
    const values: ConnectValue[] = schema.fields.map(() => null)
    values[best] = (readers[best] as PresentReader)(json)
    return values
  }
}

function bestBranch({ fields }: Schema, json: Exclude<JsonValue, null>, options: Context): number {
  let best = -1
  let most = -1
  for (const { schema, index } of fields) {
    const fit = fitOf(schema, json, options)
    if (fit === Infinity && schema.type !== 'BYTES') return index
    if (fit <= most) continue
    most = fit
    best = index
  }
  return best
}

/** Returns how well a value fits: -1 if it is of another type, and for structs, the number of their fields that it has. */
function fitOf(schema: Schema, json: Exclude<JsonValue, null>, options: Context): number {
  if (schema.type === 'STRUCT') {
    if (options.isUnion?.(schema) === true)
      return Math.max(-1, ...schema.fields.map((field) => fitOf(field.schema, json, options)))
    return isJsonObject(json) ? schema.fields.filter(({ name }) => Object.hasOwn(json, name)).length : -1
  }
  return isOfType(schema, json) ? Infinity : -1
}

function isOfType({ type, name }: Schema, json: Exclude<JsonValue, null>): boolean {
  const isNumber = typeof json === 'number' || typeof json === 'bigint' || json instanceof ExactNumber
  switch (type) {
    case 'BOOLEAN':
      return typeof json === 'boolean'
    case 'STRING':
      return typeof json === 'string'
    case 'FLOAT32':
    case 'FLOAT64':
      return isNumber
    case 'BYTES':
      return typeof json === 'string' || (name === Logical.decimal && isNumber)
    case 'ARRAY':
      return Array.isArray(json)
    case 'MAP':
      return Array.isArray(json) || isJsonObject(json)
    default:
      return typeof json === 'bigint' || Number.isInteger(json)
  }
}

function at(path: string): string {
  return path === '' ? '' : ` "${path}"`
}

function misfit(schema: Schema, path: string, json: JsonValue): never {
  throw new DataError(`Invalid JSON for ${schema.name ?? schema.type}${at(path)}: found ${jsonKind(json)}`)
}
