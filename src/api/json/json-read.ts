import { decimalFromBytes, decimalTextOf, unscaledDecimal } from '../decimal.ts'
import { DataError } from '../errors.ts'
import { ExactNumber, isJsonObject, jsonKind, type JsonValue } from './json-parse.ts'
import { decimalScale, keySchemaOf, valueSchemaOf } from './json-write.ts'
import { Logical, type ConnectValue, type Schema } from '../schema.ts'

/** How to read the JSON form of Connect data. */
export interface JsonReadOptions {
  /** Whether null or a missing member is read as the schema's default, if it has one. */
  readonly replaceNullWithDefault: boolean
}

/** Converts parsed JSON to the value of a schema. @throws DataError if it does not match. */
export type JsonReader = (json: JsonValue | undefined) => ConnectValue

/** Compiles the reader of a schema's payload. Compile it once per schema object. */
export function jsonReader(schema: Schema, options: JsonReadOptions): JsonReader {
  return nullable(schema, '', options)
}

/** Returns whether a schema contains a Decimal, whose numbers must not be parsed as doubles (I11). */
export function holdsDecimal(schema: Schema): boolean {
  if (schema.name === Logical.decimal) return true
  const parts = [...schema.fields.map((field) => field.schema), schema.keySchema, schema.valueSchema]
  return parts.some((part) => part !== null && holdsDecimal(part))
}

function nullable(schema: Schema, path: string, options: JsonReadOptions): JsonReader {
  const read = present(schema, path, options)
  const { defaultValue, optional } = schema
  const fallback = options.replaceNullWithDefault && defaultValue !== undefined ? defaultValue : null
  return (json) => {
    if (json !== null && json !== undefined) return read(json)
    if (fallback === null && !optional) {
      throw new DataError(`Invalid null value for required ${schema.type} field${at(path)}`)
    }
    return fallback
  }
}

type PresentReader = (json: Exclude<JsonValue, null>) => ConnectValue

function present(schema: Schema, path: string, options: JsonReadOptions): PresentReader {
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return (json) => (Number.isInteger(json) ? (json as number) : misfit(schema, path, json))
    case 'INT64':
      return (json) => (typeof json === 'bigint' ? json : integer64(schema, path, json))
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

function integer64(schema: Schema, path: string, json: JsonValue): ConnectValue {
  if (Number.isSafeInteger(json)) return json as number
  // A number such as 1e18 is an exact integer, although it is not a safe one.
  if (Number.isInteger(json)) return BigInt(json as number)
  return misfit(schema, path, json)
}

function floating(schema: Schema, path: string, json: JsonValue): ConnectValue {
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

function arrayReader(schema: Schema, path: string, options: JsonReadOptions): PresentReader {
  const item = nullable(valueSchemaOf(schema), `${path}[]`, options)
  return (json) => (Array.isArray(json) ? json.map((element: JsonValue) => item(element)) : misfit(schema, path, json))
}

function mapReader(schema: Schema, path: string, options: JsonReadOptions): PresentReader {
  const keySchema = keySchemaOf(schema)
  const key = nullable(keySchema, `${path}{}`, options)
  const item = nullable(valueSchemaOf(schema), `${path}{}`, options)
  if (keySchema.type === 'STRING') {
    return (json) => {
      if (!isJsonObject(json)) return misfit(schema, path, json)
      return new Map(Object.entries(json).map(([k, v]) => [k, item(v)]))
    }
  }
  return (json) => {
    if (!Array.isArray(json)) return misfit(schema, path, json)
    return new Map(
      json.map((entry: JsonValue) => {
        if (!Array.isArray(entry) || entry.length !== 2) {
          throw new DataError(`Invalid map entry${at(path)}: each must be an array of a key and a value`)
        }
        return [key(entry[0]), item(entry[1])]
      }),
    )
  }
}

function structReader(schema: Schema, path: string, options: JsonReadOptions): PresentReader {
  const readers = schema.fields.map((field) => ({
    name: field.name,
    read: nullable(field.schema, path === '' ? field.name : `${path}.${field.name}`, options),
  }))
  return (json) => {
    if (!isJsonObject(json)) return misfit(schema, path, json)
    const values: ConnectValue[] = []
    for (const { name, read } of readers) values.push(read(Object.hasOwn(json, name) ? json[name] : null))
    return values
  }
}

function at(path: string): string {
  return path === '' ? '' : ` "${path}"`
}

function misfit(schema: Schema, path: string, json: JsonValue): never {
  throw new DataError(`Invalid JSON for ${schema.name ?? schema.type}${at(path)}: found ${jsonKind(json)}`)
}
