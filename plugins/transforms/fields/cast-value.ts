import {
  closestFloat,
  DataError,
  isArray,
  isMap,
  javaDoubleText,
  javaFloatText,
  Logical,
  parseJavaFloating,
  primitive,
  type ConnectValue,
  type Schema,
  type SchemaOptions,
} from 'penstock/api'

import { dayMs } from '../dates/calendar.ts'
import { dateFormatter } from '../dates/format-date.ts'
import { bigDecimalText, decimalToLong, lowBits, truncated } from '../numbers/java-numbers.ts'
import { parseInteger } from '../numbers/parse-number.ts'
import { isPlainMap } from '../record/plain-map.ts'
import { clipped, kindOf } from '../record/requirements.ts'

export const castTypes = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'BOOLEAN', 'STRING'] as const
export type CastType = (typeof castTypes)[number]

/** Casts a value that is not null. @throws DataError if it cannot be cast. */
export type Caster = (value: ConnectValue) => ConnectValue

const logicalNames: ReadonlySet<string | null> = new Set(Object.values(Logical))
const bitsOf = { INT8: 8, INT16: 16, INT32: 32, INT64: 64 } as const

/** Returns the schema of cast values: optional as the source, with its default cast too. */
export function castSchema(source: Schema, type: CastType, basics: SchemaOptions, cast: Caster): Schema {
  const defaultValue = source.defaultValue ?? null
  if (defaultValue === null) return primitive(type, { ...basics, optional: source.optional })
  if (logicalNames.has(basics.name ?? null)) {
    throw new DataError(
      `Cast: the default of ${kindOf(source, defaultValue)} is no default of ${type} with the same name`,
    )
  }
  return primitive(type, { ...basics, optional: source.optional, defaultValue: cast(defaultValue) })
}

/** Returns the cast from a schema, or from values without one, to a type. `what` names the transform and the field. */
export function casterFrom(schema: Schema | null, type: CastType, what: string): Caster {
  return schema === null ? plainCaster(type, what) : schemaCaster(schema, type, what)
}

function schemaCaster(schema: Schema, type: CastType, what: string): Caster {
  const refuse = (value: ConnectValue): never => refused(what, schema, value, type)
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return integerSource(schema, type, what)
    case 'FLOAT32':
      return (value) => fromFloating(Math.fround(Number(value)), type, javaFloatText)
    case 'FLOAT64':
      return (value) => fromFloating(Number(value), type, javaDoubleText)
    case 'BOOLEAN':
      return (value) => fromBoolean(value === true, type)
    case 'STRING':
      return (value) => fromText(String(value), type, what)
    case 'BYTES':
      if (schema.name === Logical.decimal) return decimalSource(schema, type)
      if (type !== 'STRING') return refuse
      return (value) => (value instanceof Uint8Array ? base64(value) : refuse(value))
    default:
      return refuse
  }
}

function integerSource(schema: Schema, type: CastType, what: string): Caster {
  const integer = (value: ConnectValue): number | bigint => (typeof value === 'bigint' ? value : Number(value))
  const perDay = schema.name === Logical.date ? dayMs : 1
  const isTime = schema.name === Logical.date || schema.name === Logical.time || schema.name === Logical.timestamp
  if (isTime && type === 'STRING') {
    return (value) => timeText(perDay === 1 ? integer(value) : Number(value) * perDay)
  }
  if (schema.name !== Logical.time) return (value) => fromInteger(integer(value), type)
  return (value) => {
    const ms = integer(value)
    if (ms >= 0 && ms <= dayMs) return fromInteger(ms, type)
    throw new DataError(`${what}: ${ms} is no time of day in milliseconds`)
  }
}

function decimalSource(schema: Schema, type: CastType): Caster {
  const scale = Number(schema.parameters?.['scale'] ?? 0)
  return (value) => {
    const text = String(value)
    if (type === 'STRING') return bigDecimalText(text, scale)
    if (type === 'FLOAT64') return Number(text)
    return type === 'FLOAT32' ? closestFloat(text) : fromInteger(decimalToLong(text), type)
  }
}

/** Numbers without a schema are a long if they are integers, otherwise a double, as those that Java reads from JSON. */
function plainCaster(type: CastType, what: string): Caster {
  return (value) => {
    if (typeof value === 'string') return fromText(value, type, what)
    if (typeof value === 'boolean') return fromBoolean(value, type)
    if (typeof value === 'bigint' || Number.isInteger(value))
      return plainForm(fromInteger(value as number | bigint, type), type)
    if (typeof value === 'number') return plainForm(fromFloating(value, type, javaDoubleText), type)
    if (value instanceof Uint8Array && type === 'STRING') return base64(value)
    return refused(what, null, value, type)
  }
}

/** A float without a schema is written with its shortest digits. */
function plainForm(value: ConnectValue, type: CastType): ConnectValue {
  return type === 'FLOAT32' && typeof value === 'number' && Number.isFinite(value)
    ? Number(javaFloatText(value))
    : value
}

function fromInteger(value: number | bigint, type: CastType): ConnectValue {
  switch (type) {
    case 'FLOAT32':
      return typeof value === 'bigint' ? closestFloat(value) : closestFloat(BigInt(value))
    case 'FLOAT64':
      return Number(value)
    case 'BOOLEAN':
      return Number(value) !== 0
    case 'STRING':
      return String(value)
    default:
      return lowBits(value, bitsOf[type])
  }
}

function fromFloating(value: number, type: CastType, text: (value: number) => string): ConnectValue {
  switch (type) {
    case 'FLOAT32':
      return Math.fround(value)
    case 'FLOAT64':
      return value
    case 'BOOLEAN':
      return truncated(value, 64) !== 0
    case 'STRING':
      return text(value)
    default:
      return truncated(value, bitsOf[type])
  }
}

function fromBoolean(value: boolean, type: CastType): ConnectValue {
  if (type === 'BOOLEAN') return value
  return type === 'STRING' ? String(value) : Number(value)
}

function fromText(text: string, type: CastType, what: string): ConnectValue {
  switch (type) {
    case 'STRING':
      return text
    case 'BOOLEAN':
      return text.toLowerCase() === 'true'
    case 'FLOAT32':
    case 'FLOAT64':
      return parseJavaFloating(text, type === 'FLOAT32') ?? outOfRange(what, text, type)
    default:
      return parseInteger(text, bitsOf[type]) ?? outOfRange(what, text, type)
  }
}

const timeOfDay = dateFormatter("HH:mm:ss.SSS'Z'")
const date = dateFormatter('yyyy-MM-dd')
const timestamp = dateFormatter("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")

/** Java's text depends on the value and not on its schema: a time of day below one day, a date at midnight. */
function timeText(ms: number | bigint): string {
  if (ms < dayMs) return timeOfDay(ms)
  return BigInt(ms) % BigInt(dayMs) === 0n ? date(ms) : timestamp(ms)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

function outOfRange(what: string, text: string, type: CastType): never {
  throw new DataError(`${what}: the string "${clipped(text)}" is no ${type}`)
}

function refused(what: string, schema: Schema | null, value: ConnectValue, type: CastType): never {
  const isContainer = isArray(value) || isMap(value) || isPlainMap(value)
  const advice = isContainer ? 'only values of primitive types can be cast' : 'bytes can only be cast to string'
  throw new DataError(`${what}: cannot cast ${kindOf(schema, value)} to ${type}: ${advice}`)
}
