import { type ConfigDef, type ConnectRecord, type ConnectValue, type Schema, type Transform } from 'penstock/api'

import { setMember, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { missingField } from '../record/requirements.ts'
import { textOf } from '../record/setting.ts'
import { perSchema, structOf } from '../record/struct-shape.ts'

const configDef = {
  field: {
    type: 'STRING',
    importance: 'MEDIUM',
    doc: 'Field name for the single field that will be created in the resulting Struct or Map.',
  },
} as const satisfies ConfigDef

/** Puts the value into a struct or map with one field. */
class HoistField implements Transform {
  readonly #side: Side
  readonly #name: string
  readonly #hoisted: (schema: Schema) => Schema

  constructor(side: Side, name: string) {
    this.#side = side
    this.#name = name
    this.#hoisted = perSchema((schema) => structOf([{ name, schema }], {}, side.transform))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const value = this.#side.valueOf(record)
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.with(record, null, this.#map(value))
    const hoisted = this.#hoisted(schema)
    if (value === null && !schema.optional) throw missingField(this.#side.transform, this.#name, schema)
    return this.#side.with(record, hoisted, [value])
  }

  #map(value: ConnectValue): MutableMap {
    const map: MutableMap = {}
    setMember(map, this.#name, value)
    return map
  }
}

const plugins = kafkaTransforms(
  'HoistField',
  configDef,
  (side, config) => new HoistField(side, textOf(config, 'field') ?? ''),
)

/** `org.apache.kafka.connect.transforms.HoistField$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.HoistField$Value`. */
export const valuePlugin = plugins.value
