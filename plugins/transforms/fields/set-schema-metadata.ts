import {
  ConfigError,
  DataError,
  withOptions,
  type ConfigDef,
  type ConnectRecord,
  type Schema,
  type SchemaOptions,
  type Transform,
} from 'penstock/api'

import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { kindOf, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { replaceNullWithDefault, replacesNull, textOf } from '../record/setting.ts'
import { keptField, perSchema, structShape, type StructShape } from '../record/struct-shape.ts'

const configDef = {
  'schema.name': { type: 'STRING', defaultValue: null, importance: 'HIGH', doc: 'Schema name to set.' },
  'schema.version': { type: 'INT', defaultValue: null, importance: 'HIGH', doc: 'Schema version to set.' },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

/** Sets name and version of the schema of structs. Records without value and schema are not changed. */
class SetSchemaMetadata implements Transform {
  readonly #side: Side
  readonly #shapeOf: (schema: Schema) => StructShape

  constructor(side: Side, metadata: SchemaOptions, replaceNull: boolean) {
    this.#side = side
    this.#shapeOf = perSchema((schema) => {
      requireStructSchema(schema, side.transform)
      const fields = schema.fields.map((field) => keptField(field, replaceNull))
      return structShape(withOptions(schema, metadata), fields, side.transform)
    })
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { transform } = this.#side
    const value = this.#side.valueOf(record)
    const schema = this.#side.schemaOf(record)
    if (schema === null) {
      if (value === null) return record
      throw new DataError(`${transform} needs a schema, found ${kindOf(null, value)}`)
    }
    const shape = this.#shapeOf(schema)
    if (value === null) return this.#side.with(record, shape.schema, value)
    return this.#side.with(record, shape.schema, shape.row(requireStruct(schema, value, transform)))
  }
}

const plugins = kafkaTransforms('SetSchemaMetadata', configDef, (side, config) => {
  const name = textOf(config, 'schema.name')
  const version = config['schema.version']
  const metadata = {
    ...(name === null ? {} : { name }),
    ...(typeof version === 'number' ? { version } : {}),
  }
  if (Object.keys(metadata).length === 0) {
    throw new ConfigError('Neither schema name nor version configured: set schema.name or schema.version')
  }
  return new SetSchemaMetadata(side, metadata, replacesNull(config))
})

/** `org.apache.kafka.connect.transforms.SetSchemaMetadata$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.SetSchemaMetadata$Value`. */
export const valuePlugin = plugins.value
