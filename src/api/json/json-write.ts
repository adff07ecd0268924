import { ByteSink } from './byte-sink.ts'
import { decimalBase64, decimalTextOf, unscaledDecimal } from '../decimal.ts'
import { DataError } from '../errors.ts'
import { javaDoubleText, javaFloatText } from '../java/java-number.ts'
import { isArray, isMap, quoteBase64, quoteJson, quoteJsonTo } from './json-text.ts'
import { Logical, type ConnectValue, type Schema, type SchemaType } from '../schema.ts'

/** How the JSON form of Connect data is written; the defaults are those of Kafka's JsonConverter. */
export interface JsonWriteOptions {
  /** A Decimal as base64 of its bytes, or as a number with its scale. */
  readonly decimalFormat: 'BASE64' | 'NUMERIC'
  /** Null is written as the schema's default where there is one. */
  readonly replaceNullWithDefault: boolean
}

const maxRemembered = 256
const ascii = { comma: 0x2c, colon: 0x3a, openBracket: 0x5b, closeBracket: 0x5d, openBrace: 0x7b, closeBrace: 0x7d }

/** Writes the JSON of one value. @throws DataError when the value does not fit the schema; the sink then holds a part of it. */
export type JsonWriter = (sink: ByteSink, value: ConnectValue) => void

/**
 * Compiles the writer of a schema's payload: Kafka's JSON form without the `schema`/`payload` envelope. Compile once
 * per schema object and keep the answer.
 */
export function jsonWriter(schema: Schema, options: JsonWriteOptions): JsonWriter {
  return nullable(schema, '', options)
}

/** The text of what `write` writes. */
export function jsonTextBy(write: JsonWriter, value: ConnectValue): string {
  const sink = new ByteSink()
  write(sink, value)
  return sink.take().toString()
}

const nullBytes = Buffer.from('null')

function nullable(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const write = present(schema, path, options)
  const instead = insteadOfNull(schema, write, options)
  if (instead === null) {
    return (sink, value) => {
      if (value === null || value === undefined) {
        throw new DataError(
          `Conversion error: null value for field that is required and has no default value${at(path)}`,
        )
      }
      write(sink, value)
    }
  }
  return (sink, value) => {
    if (value === null || value === undefined) sink.bytes(instead)
    else write(sink, value)
  }
}

function insteadOfNull(schema: Schema, write: JsonWriter, options: JsonWriteOptions): Buffer | null {
  const { defaultValue } = schema
  if (options.replaceNullWithDefault && defaultValue !== undefined && defaultValue !== null)
    return Buffer.from(jsonTextBy(write, defaultValue))
  return schema.optional ? nullBytes : null
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
      return (sink, value) => {
        if (typeof value !== 'boolean') misfit('BOOLEAN', path, value)
        sink.ascii(value ? 'true' : 'false')
      }
    case 'STRING':
      return stringWriter(path)
    case 'BYTES':
      if (schema.name === Logical.decimal) return decimalWriter(schema, path, options)
      return (sink, value) => {
        if (!(value instanceof Uint8Array)) misfit('BYTES', path, value)
        sink.ascii(quoteBase64(value))
      }
    case 'ARRAY':
      return arrayWriter(schema, path, options)
    case 'MAP':
      return mapWriter(schema, path, options)
    case 'STRUCT':
      return structWriter(schema, path, options)
  }
}

function stringWriter(path: string): JsonWriter {
  return (sink, value) => {
    if (typeof value !== 'string') misfit('STRING', path, value)
    quoteJsonTo(sink, value)
  }
}

function integerWriter(type: SchemaType, path: string): JsonWriter {
  return (sink, value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) sink.integer(value)
    else if (typeof value === 'bigint' || Number.isInteger(value)) sink.ascii(String(value))
    else misfit(type, path, value)
  }
}

function floatWriter(type: SchemaType, path: string, text: (value: number) => string): JsonWriter {
  return (sink, value) => {
    if (typeof value !== 'number') misfit(type, path, value)
    sink.ascii(Number.isFinite(value) ? text(value) : `"${value}"`)
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
  const text =
    options.decimalFormat === 'NUMERIC'
      ? (value: string): string => decimalTextOf(unscaledDecimal(value, scale), scale)
      : (value: string): string => `"${decimalBase64(value, scale)}"`
  return (sink, value) => {
    if (typeof value !== 'string') misfit('Decimal', path, value)
    sink.ascii(text(value))
  }
}

function arrayWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const item = nullable(valueSchemaOf(schema), `${path}[]`, options)
  return (sink, value) => {
    if (!isArray(value)) misfit('ARRAY', path, value)
    sink.byte(ascii.openBracket)
    for (let i = 0; i < value.length; i += 1) {
      if (i > 0) sink.byte(ascii.comma)
      item(sink, value[i] ?? null)
    }
    sink.byte(ascii.closeBracket)
  }
}

function mapWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const keySchema = keySchemaOf(schema)
  const asObject = keySchema.type === 'STRING'
  const key = asObject ? present(keySchema, `${path}{}`, options) : nullable(keySchema, `${path}{}`, options)
  const item = nullable(valueSchemaOf(schema), `${path}{}`, options)
  const [open, close] = asObject ? [ascii.openBrace, ascii.closeBrace] : [ascii.openBracket, ascii.closeBracket]
  return (sink, value) => {
    if (!isMap(value)) misfit('MAP', path, value)
    sink.byte(open)
    let first = true
    for (const [k, v] of value) {
      if (!first) sink.byte(ascii.comma)
      first = false
      if (!asObject) sink.byte(ascii.openBracket)
      key(sink, k)
      sink.byte(asObject ? ascii.colon : ascii.comma)
      item(sink, v)
      if (!asObject) sink.byte(ascii.closeBracket)
    }
    sink.byte(close)
  }
}

/**
 * Fields that hold what they held in the value before (names of a source, of a table, times; in an update most of the
 * row) are copied from its bytes, whole stretches at once.
 */
function structWriter(schema: Schema, path: string, options: JsonWriteOptions): JsonWriter {
  const heads = schema.fields.map((field, i) => Buffer.from(`${i === 0 ? '{' : ','}${quoteJson(field.name)}:`))
  const writers = schema.fields.map((field) =>
    nullable(field.schema, path === '' ? field.name : `${path}.${field.name}`, options),
  )
  const count = heads.length
  if (count === 0) return (sink) => sink.ascii('{}')
  const last: Remembered[] = new Array<Remembered>(count).fill(undefined)
  /** Ends of the last value's fields, counted from where its first field begins. */
  const ends = new Int32Array(count)
  let lap = -1
  let first = 0
  return (sink, value) => {
    if (!isArray(value)) misfit('STRUCT', path, value)
    const lapBefore = lap
    const begin = sink.position - sink.start
    // An error halfway leaves what is remembered of two values.
    lap = -1
    let endBefore = 0
    for (let i = 0; i < count;) {
      const to = lapBefore === sink.lap ? endOfSame(value, last, i) : i
      if (to > i) {
        const end = ends[to - 1] as number
        // Room first: making it may move what is copied out of reach.
        sink.reserve(end - endBefore)
        if (lapBefore !== sink.lap) continue
        const shift = sink.position - sink.start - begin - endBefore
        sink.again(first + endBefore, first + end)
        for (; i < to; i += 1) ends[i] = (ends[i] as number) + shift
        endBefore = end
        continue
      }
      const item = value[i] ?? null
      endBefore = ends[i] as number
      sink.bytes(heads[i] as Buffer)
      ;(writers[i] as JsonWriter)(sink, item)
      ends[i] = sink.position - sink.start - begin
      last[i] = remembered(item)
      i += 1
    }
    lap = sink.lap
    first = sink.start + begin
    sink.byte(ascii.closeBrace)
  }
}

/** Where the stretch of fields ends that hold what they held before. */
function endOfSame(value: readonly ConnectValue[], last: readonly Remembered[], from: number): number {
  let i = from
  while (i < last.length && (value[i] ?? null) === last[i]) i += 1
  return i
}

/** What a field held; undefined when that cannot be compared, or should not be kept. */
type Remembered = string | number | bigint | boolean | null | undefined

function remembered(value: ConnectValue): Remembered {
  if (typeof value === 'string') return value.length <= maxRemembered ? value : undefined
  // 0 is equal to -0, which has another text.
  if (value === 0) return undefined
  return typeof value === 'object' && value !== null ? undefined : value
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
