import { ByteSink } from './byte-sink.ts'
import { decimalBase64, decimalTextOf, unscaledDecimal } from '../decimal.ts'
import { DataError } from '../errors.ts'
import { javaDoubleText, javaFloatText } from '../java/java-number.ts'
import { isArray, isMap, quoteBase64, quoteJson, quoteJsonTo } from './json-text.ts'
import { Logical, type ConnectValue, type Field, type Schema, type SchemaType } from '../schema.ts'

/** How to write the JSON form of Connect data. The defaults are those of Kafka's JsonConverter. */
export interface JsonWriteOptions {
  /** Whether a Decimal is base64 of its bytes, or a number with its scale. */
  readonly decimalFormat: 'BASE64' | 'NUMERIC'
  /** Whether null is written as the schema's default, if it has one. */
  readonly replaceNullWithDefault: boolean
  /** How entries are written of maps whose keys are not strings: `[key,value]`, as by default, or `{"key":key,"value":value}`. */
  readonly entries?: 'pairs' | 'objects'
  /** Returns whether a struct is a union: its value is that of the first field that is not null. By default no struct is. */
  readonly isUnion?: (schema: Schema) => boolean
}

/** What the writers of a schema share, so that schemas that contain themselves, or one part often, have few writers. */
interface Context extends JsonWriteOptions {
  /** How often each struct has been compiled, by its fields. */
  readonly copies: Map<readonly Field[], number>
  /** Writers that keep nothing of the last value, so that they may be called while they are running. */
  readonly shared: Map<readonly Field[], { write: JsonWriter }>
  readonly onlyShared: boolean
}

const maxRemembered = 256
/** A struct that is in more places than these has one writer for all further ones. */
const maxCopies = 16
const ascii = { comma: 0x2c, colon: 0x3a, openBracket: 0x5b, closeBracket: 0x5d, openBrace: 0x7b, closeBrace: 0x7d }

/** Writes one value as JSON. @throws DataError if the value does not match the schema; the sink then has a part of it. */
export type JsonWriter = (sink: ByteSink, value: ConnectValue) => void

/**
 * Compiles the writer of a schema's payload: Kafka's JSON form without the `schema`/`payload` envelope. Compile it once per
 * schema object.
 */
export function jsonWriter(schema: Schema, options: JsonWriteOptions): JsonWriter {
  return nullable(schema, '', { ...options, copies: new Map(), shared: new Map(), onlyShared: false })
}

/** Returns the output of `write` as text. */
export function jsonTextBy(write: JsonWriter, value: ConnectValue): string {
  const sink = new ByteSink()
  write(sink, value)
  return sink.take().toString()
}

const nullBytes = Buffer.from('null')

function nullable(schema: Schema, path: string, options: Context): JsonWriter {
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

function present(schema: Schema, path: string, options: Context): JsonWriter {
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

/** Returns the scale of a Decimal schema. @throws DataError if the parameter is missing or not an integer. */
export function decimalScale(schema: Schema): number {
  const scale = Number(schema.parameters?.['scale'] ?? NaN)
  if (!Number.isInteger(scale)) throw new DataError('Invalid Decimal schema: scale parameter not found.')
  return scale
}

function decimalWriter(schema: Schema, path: string, options: Context): JsonWriter {
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

function arrayWriter(schema: Schema, path: string, options: Context): JsonWriter {
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

/** Returns whether a map is an object. */
export function isObjectMap({ type, optional }: Schema, entries: 'pairs' | 'objects' | undefined): boolean {
  return type === 'STRING' && !(entries === 'objects' && optional)
}

interface EntryMarks {
  readonly open: Buffer
  readonly between: Buffer
  readonly close: Buffer
}

const marksOfPairs: EntryMarks = { open: Buffer.from('['), between: Buffer.from(','), close: Buffer.from(']') }
const marksOfObjects: EntryMarks = {
  open: Buffer.from('{"key":'),
  between: Buffer.from(',"value":'),
  close: Buffer.from('}'),
}
const marksOfMembers: EntryMarks = { open: Buffer.alloc(0), between: Buffer.from(':'), close: Buffer.alloc(0) }

function mapWriter(schema: Schema, path: string, options: Context): JsonWriter {
  const keySchema = keySchemaOf(schema)
  const asObject = isObjectMap(keySchema, options.entries)
  const key = asObject ? present(keySchema, `${path}{}`, options) : nullable(keySchema, `${path}{}`, options)
  const item = nullable(valueSchemaOf(schema), `${path}{}`, options)
  const [open, close] = asObject ? [ascii.openBrace, ascii.closeBrace] : [ascii.openBracket, ascii.closeBracket]
  const marks = asObject ? marksOfMembers : options.entries === 'objects' ? marksOfObjects : marksOfPairs
  return (sink, value) => {
    if (!isMap(value)) misfit('MAP', path, value)
    sink.byte(open)
    let first = true
    for (const [k, v] of value) {
      if (!first) sink.byte(ascii.comma)
      first = false
      sink.bytes(marks.open)
      key(sink, k)
      sink.bytes(marks.between)
      item(sink, v)
      sink.bytes(marks.close)
    }
    sink.byte(close)
  }
}

function structWriter(schema: Schema, path: string, options: Context): JsonWriter {
  const { fields } = schema
  const copies = options.copies.get(fields) ?? 0
  if (options.onlyShared || copies >= maxCopies) return sharedWriter(schema, path, options)
  options.copies.set(fields, copies + 1)
  return isUnionIn(options, schema) ? unionWriter(schema, path, options) : rememberingWriter(schema, path, options)
}

function isUnionIn(options: Context, schema: Schema): boolean {
  return options.isUnion !== undefined && options.isUnion(schema)
}

function sharedWriter(schema: Schema, path: string, options: Context): JsonWriter {
  const known = options.shared.get(schema.fields)
  if (known !== undefined) return (sink, value) => known.write(sink, value)
  const made = { write: (): void => undefined } as { write: JsonWriter }
  options.shared.set(schema.fields, made)
  const inner = { ...options, onlyShared: true }
  made.write = isUnionIn(options, schema) ? unionWriter(schema, path, inner) : plainWriter(schema, path, inner)
  return made.write
}

/** Writes the value of the first field that is not null. */
function unionWriter(schema: Schema, path: string, options: Context): JsonWriter {
  const writers = schema.fields.map((field) => present(field.schema, path, options))
  return (sink, value) => {
    if (!isArray(value)) misfit('STRUCT', path, value)
    for (let i = 0; i < writers.length; i += 1) {
      const item = value[i] ?? null
      if (item === null) continue
      ;(writers[i] as JsonWriter)(sink, item)
      return
    }
    if (!schema.optional) throw new DataError(`Conversion error: no field of a union is set${at(path)}`)
    sink.bytes(nullBytes)
  }
}

function headsOf(schema: Schema): readonly Buffer[] {
  return schema.fields.map((field, i) => Buffer.from(`${i === 0 ? '{' : ','}${quoteJson(field.name)}:`))
}

function fieldWriters(schema: Schema, path: string, options: Context): readonly JsonWriter[] {
  return schema.fields.map((field) =>
    nullable(field.schema, path === '' ? field.name : `${path}.${field.name}`, options),
  )
}

function plainWriter(schema: Schema, path: string, options: Context): JsonWriter {
  const heads = headsOf(schema)
  const writers = fieldWriters(schema, path, options)
  return (sink, value) => {
    if (!isArray(value)) misfit('STRUCT', path, value)
    if (heads.length === 0) sink.byte(ascii.openBrace)
    for (let i = 0; i < heads.length; i += 1) {
      sink.bytes(heads[i] as Buffer)
      ;(writers[i] as JsonWriter)(sink, value[i] ?? null)
    }
    sink.byte(ascii.closeBrace)
  }
}

/**
 * Writes structs. Runs of fields that have the same values as in the previous struct (names of source and table, times, most
 * of the row in an update) are copied from its bytes.
 */
function rememberingWriter(schema: Schema, path: string, options: Context): JsonWriter {
  const heads = headsOf(schema)
  const writers = fieldWriters(schema, path, options)
  const count = heads.length
  if (count === 0) return (sink) => sink.ascii('{}')
  const last: Remembered[] = new Array<Remembered>(count).fill(undefined)
  /** Ends of the last value's fields, relative to the start of its first field. */
  const ends = new Int32Array(count)
  let generation = -1
  let first = 0
  return (sink, value) => {
    if (!isArray(value)) misfit('STRUCT', path, value)
    const generationBefore = generation
    const begin = sink.position - sink.start
    // After an error, the stored state would be a mixture of two values.
    generation = -1
    let endBefore = 0
    for (let i = 0; i < count;) {
      const to = generationBefore === sink.generation ? endOfSame(value, last, i) : i
      if (to > i) {
        const end = ends[to - 1] as number
        // Reserve first, because that may move or drop the bytes to copy.
        sink.reserve(end - endBefore)
        if (generationBefore !== sink.generation) continue
        const shift = sink.position - sink.start - begin - endBefore
        sink.copyWithin(first + endBefore, first + end)
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
    generation = sink.generation
    first = sink.start + begin
    sink.byte(ascii.closeBrace)
  }
}

/** Returns where the run of unchanged fields ends. */
function endOfSame(value: readonly ConnectValue[], last: readonly Remembered[], from: number): number {
  let i = from
  while (i < last.length && (value[i] ?? null) === last[i]) i += 1
  return i
}

/** Returns the value of a field to compare with; undefined if it cannot be compared or should not be retained. */
type Remembered = string | number | bigint | boolean | null | undefined

function remembered(value: ConnectValue): Remembered {
  if (typeof value === 'string') return value.length <= maxRemembered ? value : undefined
  // 0 equals -0, whose text is different.
  if (value === 0) return undefined
  return typeof value === 'object' && value !== null ? undefined : value
}

/** Returns the value schema of a MAP or ARRAY. @throws DataError if there is none. */
export function valueSchemaOf(schema: Schema): Schema {
  if (schema.valueSchema === null) throw new DataError(`${schema.type} schema did not specify the schema of its values`)
  return schema.valueSchema
}

/** Returns the key schema of a MAP. @throws DataError if there is none. */
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
