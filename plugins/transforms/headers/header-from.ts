import {
  ConfigError,
  DataError,
  fieldOf,
  oneOf,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Schema,
  type StructValue,
  type Transform,
} from 'penstock/api'

import { memberOf, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { missingField, requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { listOf, nonEmptyList, replaceNullWithDefault, replacesNull } from '../record/setting.ts'
import {
  basicsOf,
  fallbackOf,
  keptField,
  perSchema,
  structOf,
  structShape,
  type StructShape,
} from '../record/struct-shape.ts'

const configDef = {
  fields: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Field names in the record whose values are to be copied or moved to headers.',
    validator: nonEmptyList,
  },
  headers: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Header names, in the same order as the field names listed in the fields configuration property.',
    validator: nonEmptyList,
  },
  operation: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Either <code>move</code> if the fields are to be moved to the headers (removed from the key/value), or <code>copy</code> if the fields are to be copied to the headers (retained in the key/value).',
    validator: oneOf('move', 'copy'),
  },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

/** A field, and the header that it becomes. */
interface HeaderField {
  readonly field: string
  readonly header: string
}

interface HeaderShape {
  /** The struct without the moved fields; null if they stay. */
  readonly rest: StructShape | null
  headersOf(values: StructValue): Header[]
}

/** Copies or moves fields to headers. */
class HeaderFrom implements Transform {
  readonly #side: Side
  readonly #fields: readonly HeaderField[]
  readonly #moves: boolean
  readonly #shapeOf: (schema: Schema) => HeaderShape

  constructor(side: Side, fields: readonly HeaderField[], moves: boolean, replaceNull: boolean) {
    this.#side = side
    this.#fields = fields
    this.#moves = moves
    this.#shapeOf = perSchema((schema) => this.#shape(schema, replaceNull))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const value = this.#side.valueOf(record)
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#plain(record, value)
    const values = requireStruct(schema, value, this.#side.transform)
    const shape = this.#shapeOf(schema)
    const headers = [...record.headers, ...shape.headersOf(values)]
    return this.#side.withHeaders(record, shape.rest?.schema ?? schema, shape.rest?.row(values) ?? values, headers)
  }

  #plain<R extends ConnectRecord>(record: R, value: ConnectValue): R {
    const map = requireMap(value, this.#side.transform)
    const rest: MutableMap = { ...map }
    const headers = this.#fields.map(({ field, header }) => {
      if (this.#moves) Reflect.deleteProperty(rest, field)
      return { key: header, schema: null, value: memberOf(map, field) }
    })
    return this.#side.withHeaders(record, null, rest, [...record.headers, ...headers])
  }

  #shape(schema: Schema, replaceNull: boolean): HeaderShape {
    const { transform } = this.#side
    requireStructSchema(schema, transform)
    const made = this.#fields.map(({ field: name, header }) => {
      const field = fieldOf(schema, name)
      if (field === undefined) throw new DataError(`${transform}: field "${name}" does not exist`)
      return { name, header, index: field.index, schema: field.schema, fallback: fallbackOf(field.schema, replaceNull) }
    })
    const headersOf = (values: StructValue): Header[] =>
      made.map(({ name, header, index, schema: type, fallback }) => {
        const value = values[index] ?? fallback
        if (value !== null || type.optional) return { key: header, schema: type, value }
        throw missingField(transform, name, type)
      })
    return { rest: this.#moves ? this.#rest(schema, replaceNull) : null, headersOf }
  }

  #rest(schema: Schema, replaceNull: boolean): StructShape {
    const { transform } = this.#side
    const moved = new Set(this.#fields.map(({ field }) => field))
    const kept = schema.fields.filter(({ name }) => !moved.has(name)).map((field) => keptField(field, replaceNull))
    return structShape(structOf(kept, basicsOf(schema), transform), kept, transform)
  }
}

const plugins = kafkaTransforms('HeaderFrom', configDef, (side, config) => {
  const [fields, headers] = [listOf(config, 'fields'), listOf(config, 'headers')]
  if (fields.length !== headers.length) {
    throw new ConfigError(
      `'fields' has ${fields.length} items and 'headers' ${headers.length}: each field needs a header`,
      { key: 'headers' },
    )
  }
  const pairs = fields.map((field, i) => ({ field, header: headers[i] ?? field }))
  return new HeaderFrom(side, pairs, config['operation'] === 'move', replacesNull(config))
})

/** `org.apache.kafka.connect.transforms.HeaderFrom$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.HeaderFrom$Value`. */
export const valuePlugin = plugins.value
