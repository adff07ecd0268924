import { type ConfigDef, type ConnectRecord, type Schema, type Transform } from 'penstock/api'

import {
  compilePath,
  fieldPath,
  fieldSyntaxVersion,
  readPath,
  syntaxOf,
  type CompiledPath,
  type FieldPath,
} from '../record/field-path.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { requireMap, requireStruct } from '../record/requirements.ts'
import { replaceNullWithDefault, replacesNull, textOf } from '../record/setting.ts'
import { perSchema } from '../record/struct-shape.ts'

const configDef = {
  field: { type: 'STRING', importance: 'MEDIUM', doc: 'Field name to extract.' },
  'replace.null.with.default': replaceNullWithDefault,
  'field.syntax.version': fieldSyntaxVersion,
} as const satisfies ConfigDef

/** Replaces the value by one of its fields. Null stays null. */
class ExtractField implements Transform {
  readonly #side: Side
  readonly #path: FieldPath
  readonly #pathOf: (schema: Schema) => CompiledPath

  constructor(side: Side, path: FieldPath, replaceNull: boolean) {
    this.#side = side
    this.#path = path
    this.#pathOf = perSchema((schema) => compilePath(schema, path, replaceNull, side.transform))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { transform } = this.#side
    const value = this.#side.valueOf(record)
    const schema = this.#side.schemaOf(record)
    if (schema === null) {
      const member = value === null ? null : readPath(requireMap(value, transform), this.#path, transform)
      return this.#side.with(record, null, member)
    }
    const path = this.#pathOf(schema)
    return this.#side.with(
      record,
      path.schema,
      value === null ? null : path.read(requireStruct(schema, value, transform)),
    )
  }
}

const plugins = kafkaTransforms('ExtractField', configDef, (side, config) => {
  return new ExtractField(side, fieldPath(textOf(config, 'field') ?? '', syntaxOf(config)), replacesNull(config))
})

/** `org.apache.kafka.connect.transforms.ExtractField$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.ExtractField$Value`. */
export const valuePlugin = plugins.value
