import {
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type ParsedConfig,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import {
  compilePath,
  fieldPath,
  fieldSyntaxVersion,
  readPath,
  syntaxOf,
  type CompiledPath,
  type FieldPath,
} from '../record/field-path.ts'
import { setMember, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransform } from '../record/record-side.ts'
import { missingField, requireMap, requireStruct } from '../record/requirements.ts'
import { listOf, nonEmptyList, replaceNullWithDefault, replacesNull } from '../record/setting.ts'
import { perSchema, structOf } from '../record/struct-shape.ts'

const transform = 'ValueToKey'

const configDef = {
  fields: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Field names on the record value to extract as the record key.',
    validator: nonEmptyList,
  },
  'replace.null.with.default': replaceNullWithDefault,
  'field.syntax.version': fieldSyntaxVersion,
} as const satisfies ConfigDef

/** Makes a key of fields of the value, under their paths as names. */
class ValueToKey implements Transform {
  readonly #paths: readonly FieldPath[]
  readonly #shapeOf: (schema: Schema) => KeyShape

  constructor(paths: readonly FieldPath[], replaceNull: boolean) {
    this.#paths = paths
    this.#shapeOf = perSchema((schema) => keyShape(schema, paths, replaceNull))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (valueSchema === null) return { ...record, keySchema: null, key: this.#map(value) }
    const values = requireStruct(valueSchema, value, transform)
    const { schema, paths } = this.#shapeOf(valueSchema)
    return { ...record, keySchema: schema, key: paths.map((path) => keyValue(path, values)) }
  }

  #map(value: ConnectValue): MutableMap {
    const map = requireMap(value, transform)
    const key: MutableMap = {}
    for (const path of this.#paths) setMember(key, path.text, readPath(map, path, transform))
    return key
  }
}

interface KeyShape {
  readonly schema: Schema
  readonly paths: readonly (CompiledPath & { readonly name: string })[]
}

function keyShape(schema: Schema, wanted: readonly FieldPath[], replaceNull: boolean): KeyShape {
  const paths = wanted.map((path) => {
    const { schema: type, read } = compilePath(schema, path, replaceNull, transform)
    return { name: path.text, schema: type, read }
  })
  return { schema: structOf(paths, {}, transform), paths }
}

function keyValue({ name, schema, read }: KeyShape['paths'][number], values: StructValue): ConnectValue {
  const value = read(values)
  if (value !== null || schema.optional) return value
  throw missingField(transform, name, schema)
}

/** With nested paths (Kafka 4.4), a path that occurs twice counts once; without, it is a name that exists already. */
function pathsOf(config: ParsedConfig): readonly FieldPath[] {
  const syntax = syntaxOf(config)
  const texts = listOf(config, 'fields')
  return (syntax === 'V2' ? [...new Set(texts)] : texts).map((text) => fieldPath(text, syntax))
}

/** `org.apache.kafka.connect.transforms.ValueToKey`. */
export const plugin: TransformPlugin = kafkaTransform(
  transform,
  configDef,
  (config) => new ValueToKey(pathsOf(config), replacesNull(config)),
)
