import {
  ConfigError,
  DataError,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Schema,
  type Transform,
} from 'penstock/api'

import { withConverted } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { listOf, pairs, replaceNullWithDefault, replacesNull, splitAtColons } from '../record/setting.ts'
import { basicsOf, keptField, perSchema, structOf, structShape, type StructShape } from '../record/struct-shape.ts'
import { castSchema, casterFrom, castTypes, type Caster, type CastType } from './cast-value.ts'

const configDef = {
  spec: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of Maps or Structs. A single type to cast the entire value. Valid types are int8, int16, int32, int64, float32, float64, boolean, and string. Note that binary fields can only be cast to string.',
    validator: pairs(parseSpec),
  },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

/** The type of the whole value, or the types of its fields. */
interface CastSpec {
  readonly whole: CastType | null
  readonly fields: ReadonlyMap<string, CastType>
}

function parseSpec(mappings: readonly string[]): CastSpec {
  if (mappings.length === 0) throw new ConfigError('Must specify at least one field to cast.')
  let whole: CastType | null = null
  const fields = new Map<string, CastType>()
  for (const mapping of mappings) {
    const [first = '', second, ...rest] = splitAtColons(mapping)
    if (rest.length > 0) throw new ConfigError(`Invalid cast: ${mapping}. The format is field:type, or type`)
    if (second === undefined) whole = castType(first)
    else fields.set(first.trim(), castType(second))
  }
  if (whole !== null && mappings.length > 1) {
    throw new ConfigError(
      'Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec',
    )
  }
  return { whole, fields }
}

function castType(text: string): CastType {
  const name = text.trim().toUpperCase()
  const type = castTypes.find((known) => known === name)
  if (type === undefined) {
    throw new ConfigError(
      `Invalid type found in casting spec: ${text.trim()}. Valid types are ${castTypes.join(', ').toLowerCase()}`,
    )
  }
  return type
}

/** Casts the whole value, or some of its fields, to other types. Null stays null. */
class Cast implements Transform {
  readonly #side: Side
  readonly #spec: CastSpec
  /** The casts of values without schemas. */
  readonly #plainWhole: Caster | null
  readonly #plainFields: ReadonlyMap<string, Caster>
  readonly #replaceNull: boolean
  readonly #wholeOf: (schema: Schema) => { schema: Schema; cast: Caster }
  readonly #shapeOf: (schema: Schema) => StructShape

  constructor(side: Side, spec: CastSpec, replaceNull: boolean) {
    this.#side = side
    this.#spec = spec
    this.#replaceNull = replaceNull
    this.#plainWhole = spec.whole === null ? null : casterFrom(null, spec.whole, side.transform)
    this.#plainFields = new Map(
      [...spec.fields].map(([name, type]) => [name, casterFrom(null, type, `${side.transform}: field "${name}"`)]),
    )
    this.#wholeOf = perSchema((schema) => this.#whole(schema, spec.whole ?? 'STRING'))
    this.#shapeOf = perSchema((schema) => this.#shape(schema))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const value = this.#side.valueOf(record)
    if (value === null) return record
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.with(record, null, this.#plain(value))
    if (this.#spec.whole !== null) {
      const whole = this.#wholeOf(schema)
      return this.#side.with(record, whole.schema, whole.cast(value))
    }
    requireStructSchema(schema, this.#side.transform)
    const shape = this.#shapeOf(schema)
    return this.#side.with(record, shape.schema, shape.row(requireStruct(schema, value, this.#side.transform)))
  }

  #plain(value: ConnectValue): ConnectValue {
    if (this.#plainWhole !== null) return this.#plainWhole(value)
    return withConverted(requireMap(value, this.#side.transform), this.#plainFields)
  }

  #whole(schema: Schema, type: CastType): { schema: Schema; cast: Caster } {
    const cast = casterFrom(schema, type, this.#side.transform)
    return { schema: castSchema(schema, type, basicsOf(schema), cast), cast }
  }

  #shape(schema: Schema): StructShape {
    const { transform } = this.#side
    if ((schema.defaultValue ?? null) !== null) {
      throw new DataError(`${transform} does not support casting from STRUCT, which the schema has a default of`)
    }
    const fields = schema.fields.map((field) => {
      const kept = keptField(field, this.#replaceNull)
      const type = this.#spec.fields.get(field.name)
      if (type === undefined) return kept
      const convert = casterFrom(field.schema, type, `${transform}: field "${field.name}"`)
      return { ...kept, schema: castSchema(field.schema, type, {}, convert), convert }
    })
    const options = { ...basicsOf(schema), optional: schema.optional }
    return structShape(structOf(fields, options, transform), fields, transform)
  }
}

const plugins = kafkaTransforms(
  'Cast',
  configDef,
  (side, config) => new Cast(side, parseSpec(listOf(config, 'spec')), replacesNull(config)),
)

/** `org.apache.kafka.connect.transforms.Cast$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.Cast$Value`. */
export const valuePlugin = plugins.value
