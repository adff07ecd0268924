import { decimalBase64, decimalTextOf, unscaledDecimal } from './decimal.ts'
import { DataError } from './errors.ts'
import { javaDoubleText, javaFloatText } from './java-number.ts'
import { isArray, isMap, quoteBase64, quoteJson } from './json-text.ts'
import { Logical, type ConnectValue, type Schema, type SchemaType } from './schema.ts'

/** How the JSON form of Connect data is written; the defaults are those of Kafka's JsonConverter. */
export interface JsonWriteOptions {
  /** A Decimal as base64 of its bytes, or as a number with its scale. */
  readonly decimalFormat: 'BASE64' | 'NUMERIC'
  /** Null is written as the schema's default where there is one. */
  readonly replaceNullWithDefault: boolean
}

const maxRemembered = 256

/** The JSON text of one value. @throws DataError when the value does not fit the schema. */
export type JsonWriter = (value: ConnectValue) => string

/**
 * Compiles the writer of a schema's payload: Kafka's JSON form without the `schema`/`payload` envelope. Compile once
 * per schema object and keep the answer.
 */
export function jsonWriter(schema: Schema, options: JsonWriteOptions): JsonWriter {
  return nullable(schema, '', options)
}

function nullable(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const write = present(schema, path, options)
  const nullText = nullTextOf(schema, write, options)
  if (nullText === null) {
    return (value) => {
      if (value === null || value === undefined) {
        throw new DataError(
          `Conversion error: null value for field that is required and has no default value${at(path)}`,
        )
      }
      return write(value)
    }
  }
  return (value) => (value === null || value === undefined ? nullText : write(value))
}

function nullTextOf(schema: Schema, write: JsonWriter, options: JsonWriteOptions): string | null {
  const { defaultValue } = schema
  if (options.replaceNullWithDefault && defaultValue !== undefined && defaultValue !== null) return write(defaultValue)
  return schema.optional ? 'null' : null
}

function present(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return integerWriter(schema.type, path)
    case 'FLOAT32':
      return floatWriter(schema.type, path, javaFloatText)
    case 'FLOAT64':
      return floatWriter(schema.type, path, javaDoubleText)
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? String(value) : misfit('BOOLEAN', path, value))
    case 'STRING':
      return stringWriter(path)
    case 'BYTES':
      if (schema.name === Logical.decimal) return decimalWriter(schema, path, options)
      return (value) => (value instanceof Uint8Array ? quoteBase64(value) : misfit('BYTES', path, value))
    case 'ARRAY':
      return arrayWriter(schema, path, options)
    case 'MAP':
      return mapWriter(schema, path, options)
    case 'STRUCT':
      return structWriter(schema, path, options)
  }
}

/** Many fields hold the same text record after record (names of a source, of a table): it is quoted once. */
function stringWriter(path: string): JsonWriter {
  let last = ''
  let quoted = '""'
  return (value) => {
    if (value === last) return quoted
    if (typeof value !== 'string') return misfit('STRING', path, value)
    const text = quoteJson(value)
    if (value.length <= maxRemembered) {
      last = value
      quoted = text
    }
    return text
  }
}

function integerWriter(type: SchemaType, path: string): JsonWriter {
  return (value) => {
    if (typeof value === 'number' ? Number.isInteger(value) : typeof value === 'bigint') return String(value)
    return misfit(type, path, value)
  }
}

function floatWriter(type: SchemaType, path: string, text: (value: number) => string): JsonWriter {
  return (value) => {
    if (typeof value !== 'number') return misfit(type, path, value)
    return Number.isFinite(value) ? text(value) : `"${value}"`
  }
}

/** The scale of a Decimal schema. @throws DataError when the parameter is missing or no integer. */
export function decimalScale(schema: Schema): number {
  const scale = Number(schema.parameters?.['scale'] ?? NaN)
  if (!Number.isInteger(scale)) throw new DataError('Invalid Decimal schema: scale parameter not found.')
  return scale
}

function decimalWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const scale = decimalScale(schema)
  const write =
    options.decimalFormat === 'NUMERIC'
      ? (text: string): string => decimalTextOf(unscaledDecimal(text, scale), scale)
      : (text: string): string => `"${decimalBase64(text, scale)}"`
  return (value) => (typeof value === 'string' ? write(value) : misfit('Decimal', path, value))
}

function arrayWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const item = nullable(valueSchemaOf(schema), `${path}[]`, options)
  return (value) => {
    if (!isArray(value)) return misfit('ARRAY', path, value)
    let text = ''
    for (let i = 0; i < value.length; i += 1) text += (i === 0 ? '' : ',') + item(value[i] ?? null)
    return `[${text}]`
  }
}

function mapWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const keySchema = keySchemaOf(schema)
  const asObject = keySchema.type === 'STRING'
  const key = asObject ? present(keySchema, `${path}{}`, options) : nullable(keySchema, `${path}{}`, options)
  const item = nullable(valueSchemaOf(schema), `${path}{}`, options)
  return (value) => {
    if (!isMap(value)) return misfit('MAP', path, value)
    let text = ''
    for (const [k, v] of value) {
      if (text !== '') text += ','
      text += asObject ? `${key(k)}:${item(v)}` : `[${key(k)},${item(v)}]`
    }
    return asObject ? `{${text}}` : `[${text}]`
  }
}

function structWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const heads = schema.fields.map((field, i) => `${i === 0 ? '{' : ','}${quoteJson(field.name)}:`)
  const writers = schema.fields.map((field) =>
    nullable(field.schema, path === '' ? field.name : `${path}.${field.name}`, options),
  )
  const count = heads.length
  if (count === 0) return () => '{}'
  return (value) => {
    if (!isArray(value)) return misfit('STRUCT', path, value)
    let text = ''
    for (let i = 0; i < count; i += 1) text += (heads[i] ?? '') + (writers[i]?.(value[i] ?? null) ?? '')
    return `${text}}`
  }
}

/** A MAP's or ARRAY's value schema. @throws DataError when the schema has none. */
export function valueSchemaOf(schema: Schema): Schema {
  if (schema.valueSchema === null) throw new DataError(`${schema.type} schema did not specify the schema of its values`)
  return schema.valueSchema
}

/** A MAP's key schema. @throws DataError when the schema has none. */
export function keySchemaOf(schema: Schema): Schema {
  if (schema.keySchema === null) throw new DataError('MAP schema did not specify the schema of its keys')
  return schema.keySchema
}

function at(path: string): string {
  return path === '' ? '' : `: "${path}"`
}

function misfit(type: string, path: string, value: ConnectValue): never {
  const kind = value instanceof Uint8Array ? 'bytes' : isArray(value) ? 'array' : value === null ? 'null' : typeof value
  throw new DataError(`Invalid type for ${type}${at(path)}: ${kind}`)
}
