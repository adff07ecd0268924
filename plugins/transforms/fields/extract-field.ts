import { oneOfIgnoringCase, type ConfigDef, type ConnectRecord, type Schema, type Transform } from 'penstock/api'

import { compilePath, fieldPath, readPath, type CompiledPath, type FieldPath } from '../record/field-path.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { requireMap, requireStruct } from '../record/requirements.ts'
import { replaceNullWithDefault, replacesNull, textOf } from '../record/setting.ts'
import { perSchema } from '../record/struct-shape.ts'

const configDef = {
  field: { type: 'STRING', importance: 'MEDIUM', doc: 'Field name to extract.' },
  'replace.null.with.default': replaceNullWithDefault,
  'field.syntax.version': {
    type: 'STRING',
    defaultValue: 'V1',
    importance: 'HIGH',
    doc: 'Defines the version of the syntax to access fields. If set to `V1`, then the field paths are limited to access the elements at the root level of the struct or map. If set to `V2`, the syntax will support accessing nested elements. To access nested elements, dotted notation is used. If dots are already included in the field name, then backtick pairs can be used to wrap field names containing dots. E.g. to access the subfield `baz` from a field named "foo.bar" in a struct/map the following format can be used to access its elements: "`foo.bar`.baz".',
    validator: oneOfIgnoringCase('V1', 'V2'),
  },
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
  const syntax = textOf(config, 'field.syntax.version')?.toUpperCase() === 'V2' ? 'V2' : 'V1'
  return new ExtractField(side, fieldPath(textOf(config, 'field') ?? '', syntax), replacesNull(config))
})

/** `org.apache.kafka.connect.transforms.ExtractField$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.ExtractField$Value`. */
export const valuePlugin = plugins.value
