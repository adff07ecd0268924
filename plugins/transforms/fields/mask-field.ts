import {
  DataError,
  isArray,
  isMap,
  Logical,
  nonEmptyString,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Schema,
  type Transform,
} from 'penstock/api'

import { decimalToLong, isBigDecimal, lowBits, plainDecimal } from '../numbers/java-numbers.ts'
import { isPlainMap, withConverted, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { kindOf, requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { listOf, nonEmptyList, replaceNullWithDefault, replacesNull, textOf } from '../record/setting.ts'
import { keptField, perSchema, structShape, type StructShape } from '../record/struct-shape.ts'

const configDef = {
  fields: { type: 'LIST', importance: 'HIGH', doc: 'Names of fields to mask.', validator: nonEmptyList },
  replacement: {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: "Custom value replacement, that will be applied to all 'fields' values (numeric or non-empty string values only).",
    validator: nonEmptyString,
  },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

/** Returns the mask of a value that is not null. */
type Mask = (value: ConnectValue) => ConnectValue

/** The configured replacement, and it as the numbers that a field may need; null if it is none. */
interface Replacement {
  readonly text: string
  readonly number: { readonly long: bigint; readonly double: number; readonly decimal: string } | null
}

function replacementOf(text: string): Replacement {
  if (!isBigDecimal(text)) return { text, number: null }
  return { text, number: { long: decimalToLong(text), double: Number(text), decimal: plainDecimal(text) } }
}

/** Replaces values of fields by the zero of their type, or by a text. Null stays null. */
class MaskField implements Transform {
  readonly #side: Side
  /** The masks of values without schemas, by field. */
  readonly #masks: ReadonlyMap<string, Mask>
  readonly #replacement: Replacement | null
  readonly #shapeOf: (schema: Schema) => StructShape

  constructor(side: Side, fields: readonly string[], replacement: string | null, replaceNull: boolean) {
    this.#side = side
    this.#replacement = replacement === null ? null : replacementOf(replacement)
    this.#masks = new Map(fields.map((name) => [name, this.#mask(null, name)]))
    this.#shapeOf = perSchema((schema) => this.#shape(schema, replaceNull))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { transform } = this.#side
    const value = this.#side.valueOf(record)
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.with(record, null, this.#map(value))
    const values = requireStruct(schema, value, transform)
    return this.#side.with(record, schema, this.#shapeOf(schema).row(values))
  }

  #map(value: ConnectValue): MutableMap {
    return withConverted(requireMap(value, this.#side.transform), this.#masks)
  }

  #shape(schema: Schema, replaceNull: boolean): StructShape {
    const { transform } = this.#side
    requireStructSchema(schema, transform)
    const fields = schema.fields.map((field) => {
      const kept = keptField(field, replaceNull)
      return this.#masks.has(field.name) ? { ...kept, convert: this.#mask(field.schema, field.name) } : kept
    })
    return structShape(schema, fields, transform)
  }

  #mask(schema: Schema | null, field: string): Mask {
    const replacement = this.#replacement
    const what = `${this.#side.transform}: field "${field}"`
    if (replacement === null) return (value) => zeroOf(schema, value, what)
    return (value) => replaced(schema, value, replacement, what)
  }
}

function zeroOf(schema: Schema | null, value: ConnectValue, what: string): ConnectValue {
  if (isDecimal(schema)) return '0'
  if (typeof value === 'number' || typeof value === 'bigint') return 0
  if (typeof value === 'string') return ''
  if (typeof value === 'boolean') return false
  if (isArray(value) && schema?.type !== 'STRUCT') return []
  if (isMap(value)) return new Map()
  if (isPlainMap(value)) return {}
  throw new DataError(`${what}: cannot mask ${kindOf(schema, value)}`)
}

function isDecimal(schema: Schema | null): boolean {
  return schema?.name === Logical.decimal && schema.type === 'BYTES'
}

const temporal: ReadonlySet<string | null> = new Set([Logical.date, Logical.time, Logical.timestamp])

function replaced(
  schema: Schema | null,
  value: ConnectValue,
  { text, number }: Replacement,
  what: string,
): ConnectValue {
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || isDecimal(schema)
  if (typeof value === 'string' && !isNumber) return text
  if (!isNumber || temporal.has(schema?.name ?? null)) {
    throw new DataError(`${what}: cannot mask ${kindOf(schema, value)} with a replacement`)
  }
  if (number === null) {
    throw new DataError(`${what}: the replacement "${text}" is no number, as ${kindOf(schema, value)} needs`)
  }
  switch (schema?.type ?? (Number.isInteger(value) || typeof value === 'bigint' ? 'INT64' : 'FLOAT64')) {
    case 'INT8':
      return lowBits(number.long, 8)
    case 'INT16':
      return lowBits(number.long, 16)
    case 'INT32':
      return lowBits(number.long, 32)
    case 'INT64':
      return lowBits(number.long, 64)
    case 'FLOAT32':
      return Math.fround(number.double) + 0
    case 'FLOAT64':
      return number.double + 0
    default:
      return number.decimal
  }
}

const plugins = kafkaTransforms(
  'MaskField',
  configDef,
  (side, config) => new MaskField(side, listOf(config, 'fields'), textOf(config, 'replacement'), replacesNull(config)),
)

/** `org.apache.kafka.connect.transforms.MaskField$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.MaskField$Value`. */
export const valuePlugin = plugins.value
