import {
  decimalFromBytes,
  decimalTextOf,
  keySchemaOf,
  Logical,
  TextMemo,
  unscaledDecimal,
  valueSchemaOf,
  type ConnectValue,
  type Field,
  type JsonReadOptions,
  type Schema,
} from 'penstock/api'

import { codes, JsonCursor } from './json-cursor.ts'

/** Reads a value at the cursor, which may fail: then the value means nothing. */
type Read = (cursor: JsonCursor) => ConnectValue

interface Context extends JsonReadOptions {
  /** Of each struct, by its fields, one reader: schemas may contain themselves, or one part often. */
  readonly structs: Map<readonly Field[], { read: Read }>
}

/** After so many failures in a row, only one message in as many is tried: the others have another layout, too. */
const maxFailures = 100

/**
 * Reads payloads of one schema from their bytes, without parsing them to objects first. It reads the layout that Kafka Connect's
 * converters write: all fields, in the order of the schema, without white space. Whatever differs it leaves to the reader of parsed JSON,
 * which reads the same values, and knows what is wrong. The bytes have to be UTF-8.
 */
export class PayloadReader {
  readonly #read: Read
  readonly #cursor = new JsonCursor()
  #failures = 0

  constructor(schema: Schema, options: JsonReadOptions) {
    this.#read = nullable(schema, { ...options, structs: new Map() })
  }

  /** Returns the value from `start` to `end`; undefined if these bytes are to be parsed. */
  read(bytes: Uint8Array, start: number, end: number): ConnectValue | undefined {
    const cursor = this.#cursor
    if (this.#failures >= maxFailures && this.#failures % maxFailures !== 0) {
      this.#failures += 1
      return undefined
    }
    cursor.begin(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), start)
    const value = this.#valueAt(cursor)
    if (cursor.failed || cursor.at !== end) {
      this.#failures += 1
      return undefined
    }
    this.#failures = 0
    return value
  }

  /** Values of a schema that contains itself may be nested too deeply to be read. */
  #valueAt(cursor: JsonCursor): ConnectValue {
    try {
      return this.#read(cursor)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return cursor.fail()
    }
  }
}

const nullText = Buffer.from('null')
const trueText = Buffer.from('true')
const falseText = Buffer.from('false')

const fail: Read = (cursor) => cursor.fail()

function nullable(schema: Schema, context: Context): Read {
  const read = present(schema, context)
  const { defaultValue, optional } = schema
  const fallback = context.replaceNullWithDefault && defaultValue !== undefined ? defaultValue : null
  const isAllowed = optional || fallback !== null
  return (cursor) => {
    if (cursor.next !== codes.n) return read(cursor)
    return isAllowed && cursor.skip(nullText) ? fallback : cursor.fail()
  }
}

function present(schema: Schema, context: Context): Read {
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return integerReader(limits[schema.type])
    case 'INT64':
      return readLong
    case 'FLOAT32':
    case 'FLOAT64':
      return readFloat
    case 'BOOLEAN':
      return readBoolean
    case 'STRING': {
      const memo = new TextMemo()
      return (cursor) => cursor.text(memo)
    }
    case 'BYTES':
      return schema.name === Logical.decimal ? decimalReader(schema) : readBytes
    case 'ARRAY':
      return arrayReader(schema, context)
    case 'MAP':
      return mapReader(schema, context)
    case 'STRUCT':
      return structReader(schema, context)
  }
}

const limits = { INT8: 0x7f, INT16: 0x7fff, INT32: 0x7fff_ffff } as const
const maxLong = 2n ** 63n - 1n

function integerReader(max: number): Read {
  return (cursor) => {
    const value = cursor.integer()
    return typeof value === 'number' && value <= max && value >= -max - 1 ? value : cursor.fail()
  }
}

const readLong: Read = (cursor) => {
  const value = cursor.integer()
  if (typeof value !== 'bigint') return value
  return value <= maxLong && value >= -maxLong - 1n ? value : cursor.fail()
}

const readFloat: Read = (cursor) => {
  const text = cursor.number()
  return text === null ? null : Number(text)
}

const readBoolean: Read = (cursor) => {
  if (cursor.skip(trueText)) return true
  return cursor.skip(falseText) ? false : cursor.fail()
}

const readBytes: Read = (cursor) => {
  const text = cursor.text(null)
  return text === null ? null : Buffer.from(text, 'base64')
}

/** A longer number, or one with an exponent, may not be a double without loss, and is left to what parses it. */
const plainNumber = /^[-\d.]{1,15}$/

/** Both formats, whichever is configured for writing. */
function decimalReader(schema: Schema): Read {
  const scale = Number(schema.parameters?.['scale'] ?? NaN)
  if (!Number.isInteger(scale)) return fail
  return (cursor) => {
    if (cursor.next === codes.quote) {
      const text = cursor.text(null)
      return text === null ? null : decimalFromBytes(Buffer.from(text, 'base64'), scale)
    }
    const text = cursor.number()
    if (text === null || !plainNumber.test(text)) return cursor.fail()
    try {
      return decimalTextOf(unscaledDecimal(text, scale), scale)
    } catch {
      return cursor.fail()
    }
  }
}

function arrayReader(schema: Schema, context: Context): Read {
  const item = nullable(valueSchemaOf(schema), context)
  return (cursor) => {
    if (!cursor.skipByte(codes.openBracket)) return cursor.fail()
    const items: ConnectValue[] = []
    if (cursor.skipByte(codes.closeBracket)) return items
    do items.push(item(cursor))
    while (!cursor.failed && cursor.skipByte(codes.comma))
    return cursor.skipByte(codes.closeBracket) ? items : cursor.fail()
  }
}

/** Maps with other keys are arrays of entries, and are left to what parses them. */
function mapReader(schema: Schema, context: Context): Read {
  const { type, optional } = keySchemaOf(schema)
  if (type !== 'STRING' || (context.entries === 'objects' && optional)) return fail
  const item = nullable(valueSchemaOf(schema), context)
  return (cursor) => {
    if (!cursor.skipByte(codes.openBrace)) return cursor.fail()
    const map = new Map<ConnectValue, ConnectValue>()
    if (cursor.skipByte(codes.closeBrace)) return map
    do {
      const key = cursor.text(null)
      // A parsed object has members with such names in the order of their numbers.
      if (key === null || /^\d/.test(key) || !cursor.skipByte(colon)) return cursor.fail()
      map.set(key, item(cursor))
    } while (!cursor.failed && cursor.skipByte(codes.comma))
    return cursor.skipByte(codes.closeBrace) ? map : cursor.fail()
  }
}

const colon = 0x3a

function structReader(schema: Schema, context: Context): Read {
  if (context.isUnion?.(schema) === true) return fail
  const known = context.structs.get(schema.fields)
  if (known !== undefined) return (cursor) => known.read(cursor)
  const made = { read: fail }
  context.structs.set(schema.fields, made)
  made.read = fieldsReader(schema, context)
  return made.read
}

function fieldsReader({ fields }: Schema, context: Context): Read {
  const names = new Set(fields.map(({ name }) => name))
  if (names.size < fields.length || fields.length === 0) return fail
  const members = fields.map(({ name, schema }, i) => ({
    start: Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    read: nullable(schema, context),
  }))
  return (cursor) => {
    const values: ConnectValue[] = []
    for (const { start, read } of members) {
      if (!cursor.skip(start)) return cursor.fail()
      values.push(read(cursor))
      if (cursor.failed) return null
    }
    return cursor.skipByte(codes.closeBrace) ? values : cursor.fail()
  }
}
