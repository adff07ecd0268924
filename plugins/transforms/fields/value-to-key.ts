import {
  DataError,
  fieldOf,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Schema,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { memberOf, setMember, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransform } from '../record/record-side.ts'
import { requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { listOf, nonEmptyList, replaceNullWithDefault, replacesNull } from '../record/setting.ts'
import { keptField, perSchema, structOf, structShape, type StructShape } from '../record/struct-shape.ts'

const transform = 'ValueToKey'

const configDef = {
  fields: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Field names on the record value to extract as the record key.',
    validator: nonEmptyList,
  },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

/** Makes a key of fields of the value. */
class ValueToKey implements Transform {
  readonly #names: readonly string[]
  readonly #shapeOf: (schema: Schema) => StructShape

  constructor(names: readonly string[], replaceNull: boolean) {
    this.#names = names
    this.#shapeOf = perSchema((schema) => keyShape(schema, names, replaceNull))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (valueSchema === null) return { ...record, keySchema: null, key: this.#map(value) }
    const values = requireStruct(valueSchema, value, transform)
    const shape = this.#shapeOf(valueSchema)
    return { ...record, keySchema: shape.schema, key: shape.row(values) }
  }

  #map(value: ConnectValue): MutableMap {
    const map = requireMap(value, transform)
    const key: MutableMap = {}
    for (const name of this.#names) setMember(key, name, memberOf(map, name))
    return key
  }
}

function keyShape(schema: Schema, names: readonly string[], replaceNull: boolean): StructShape {
  requireStructSchema(schema, transform)
  const fields = names.map((name) => {
    const field = fieldOf(schema, name)
    if (field === undefined) throw new DataError(`${transform}: field "${name}" does not exist in the value`)
    return keptField(field, replaceNull)
  })
  return structShape(structOf(fields, {}, transform), fields, transform)
}

/** `org.apache.kafka.connect.transforms.ValueToKey`. */
export const plugin: TransformPlugin = kafkaTransform(
  transform,
  configDef,
  (config) => new ValueToKey(listOf(config, 'fields'), replacesNull(config)),
)
