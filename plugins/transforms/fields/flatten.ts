import {
  DataError,
  isArray,
  withOptions,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type PlainMap,
  type Schema,
  type StructValue,
  type Transform,
} from 'penstock/api'

import { isPlainMap, setMember, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { missingField, requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { textOf } from '../record/setting.ts'
import { basicsOf, perSchema, structOf } from '../record/struct-shape.ts'

const configDef = {
  delimiter: {
    type: 'STRING',
    defaultValue: '.',
    importance: 'MEDIUM',
    doc: 'Delimiter to insert between field names from the input record when generating field names for the output record',
  },
} as const satisfies ConfigDef

/** A field of the flat struct: the indexes that lead to its value. */
interface FlatField {
  readonly name: string
  readonly schema: Schema
  readonly path: readonly number[]
  /** Replaces null, unless a struct on the way is null. */
  readonly fallback: ConnectValue
}

interface FlatShape {
  readonly schema: Schema
  readonly fields: readonly FlatField[]
}

/** Moves the fields of nested structs or maps to the top, under joined names. Arrays are kept. Null stays null. */
class Flatten implements Transform {
  readonly #side: Side
  readonly #delimiter: string
  readonly #shapeOf: (schema: Schema) => FlatShape

  constructor(side: Side, delimiter: string) {
    this.#side = side
    this.#delimiter = delimiter
    this.#shapeOf = perSchema((schema) => this.#shape(schema))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { transform } = this.#side
    const value = this.#side.valueOf(record)
    if (value === null) return record
    const schema = this.#side.schemaOf(record)
    if (schema === null) {
      const flat: MutableMap = {}
      this.#fill(flat, requireMap(value, transform), '')
      return this.#side.with(record, null, flat)
    }
    const values = requireStruct(schema, value, transform)
    const shape = this.#shapeOf(schema)
    const row: ConnectValue[] = []
    for (const field of shape.fields) row.push(flatValue(values, field, transform))
    return this.#side.with(record, shape.schema, row)
  }

  #fill(flat: MutableMap, map: PlainMap, prefix: string): void {
    for (const name in map) {
      const member = map[name] ?? null
      const flatName = this.#nameOf(prefix, name)
      if (isPlainMap(member)) this.#fill(flat, member, flatName)
      else setMember(flat, flatName, member)
    }
  }

  #shape(schema: Schema): FlatShape {
    const { transform } = this.#side
    requireStructSchema(schema, transform)
    const defaults = structDefault(schema.defaultValue)
    const fields = this.#fields(schema, { prefix: '', path: [], optional: schema.optional, defaults })
    return { schema: structOf(fields, basicsOf(schema), transform), fields }
  }

  #fields(schema: Schema, above: Above): FlatField[] {
    return schema.fields.flatMap((field) => {
      const name = this.#nameOf(above.prefix, field.name)
      const optional = above.optional || field.schema.optional
      const own = field.schema.defaultValue ?? null
      const defaultValue = own ?? above.defaults?.[field.index] ?? null
      const path = [...above.path, field.index]
      if (field.schema.type === 'STRUCT') {
        return this.#fields(field.schema, { prefix: name, path, optional, defaults: structDefault(defaultValue) })
      }
      if (field.schema.type === 'MAP') {
        throw new DataError(`${this.#side.transform}: cannot flatten the field "${name}" (MAP)`)
      }
      const flat = flatSchema(field.schema, optional, defaultValue)
      return [{ name, schema: flat, path, fallback: own }]
    })
  }

  #nameOf(prefix: string, name: string): string {
    return prefix === '' ? name : prefix + this.#delimiter + name
  }
}

/** What the structs above a field say of it. */
interface Above {
  readonly prefix: string
  readonly path: readonly number[]
  readonly optional: boolean
  readonly defaults: StructValue | null
}

function structDefault(value: ConnectValue | undefined): StructValue | null {
  return value !== undefined && isArray(value) ? value : null
}

function flatSchema(schema: Schema, optional: boolean, defaultValue: ConnectValue): Schema {
  return withOptions(schema, defaultValue === null ? { optional } : { optional, defaultValue })
}

function flatValue(values: StructValue, { name, schema, path, fallback }: FlatField, transform: string): ConnectValue {
  let value: ConnectValue = values
  for (const index of path) {
    if (!isArray(value)) return null
    value = value[index] ?? null
  }
  value ??= fallback
  if (value === null && !schema.optional) throw missingField(transform, name, schema)
  return value
}

const plugins = kafkaTransforms(
  'Flatten',
  configDef,
  (side, config) => new Flatten(side, textOf(config, 'delimiter') ?? '.'),
)

/** `org.apache.kafka.connect.transforms.Flatten$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.Flatten$Value`. */
export const valuePlugin = plugins.value
