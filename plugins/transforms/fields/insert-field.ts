import {
  ConfigError,
  DataError,
  Logical,
  primitive,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type ParsedConfig,
  type Schema,
  type SchemaOptions,
  type Transform,
} from 'penstock/api'

import { setMember, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { replaceNullWithDefault, replacesNull, textOf } from '../record/setting.ts'
import { basicsOf, keptField, perSchema, structOf, structShape, type StructShape } from '../record/struct-shape.ts'

const optionality =
  'Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional (the default).'

const field = (doc: string) => ({ type: 'STRING', defaultValue: null, importance: 'MEDIUM', doc }) as const

const configDef = {
  'topic.field': field(`Field name for Kafka topic. ${optionality}`),
  'partition.field': field(`Field name for Kafka partition. ${optionality}`),
  'offset.field': field(`Field name for Kafka offset - only applicable to sink connectors.<br/>${optionality}`),
  'timestamp.field': field(`Field name for record timestamp. ${optionality}`),
  'static.field': field(`Field name for static data field. ${optionality}`),
  'static.value': field('Static field value, if field name configured.'),
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

/** A field to insert. */
interface Insertion {
  readonly name: string
  readonly schema: Schema
  /** Returns null if the record has no such attribute. */
  valueOf(record: ConnectRecord): ConnectValue
}

/** Adds attributes of the record, or a constant, as fields. Null stays null. */
class InsertField implements Transform {
  readonly #side: Side
  readonly #insertions: readonly Insertion[]
  readonly #shapeOf: (schema: Schema) => StructShape

  constructor(side: Side, insertions: readonly Insertion[], replaceNull: boolean) {
    this.#side = side
    this.#insertions = insertions
    this.#shapeOf = perSchema((schema) => shapeWith(schema, insertions, replaceNull, side.transform))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const value = this.#side.valueOf(record)
    if (value === null) return record
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.with(record, null, this.#map(record, value))
    const values = requireStruct(schema, value, this.#side.transform)
    const shape = this.#shapeOf(schema)
    const row = shape.row(values)
    let at = schema.fields.length
    for (const insertion of this.#insertions) {
      row[at] = insertion.valueOf(record)
      at += 1
    }
    return this.#side.with(record, shape.schema, row)
  }

  #map(record: ConnectRecord, value: ConnectValue): MutableMap {
    const map: MutableMap = { ...requireMap(value, this.#side.transform) }
    for (const insertion of this.#insertions) {
      const inserted = insertion.valueOf(record)
      if (inserted !== null) setMember(map, insertion.name, inserted)
    }
    return map
  }
}

function shapeWith(
  schema: Schema,
  insertions: readonly Insertion[],
  replaceNull: boolean,
  transform: string,
): StructShape {
  requireStructSchema(schema, transform)
  const inserted = insertions.map(({ name, schema: type }) => ({
    name,
    schema: type,
    from: -1,
    fallback: null,
    convert: null,
  }))
  const fields = [...schema.fields.map((kept) => keptField(kept, replaceNull)), ...inserted]
  return structShape(structOf(fields, basicsOf(schema), transform), fields, transform)
}

function offsetOf(record: ConnectRecord, transform: string): number {
  if ('offset' in record && typeof record.offset === 'number') return record.offset
  throw new DataError(`${transform}: offset.field needs a record of a sink, because only these have an offset`)
}

function insertionsOf(config: ParsedConfig, transform: string): readonly Insertion[] {
  const staticValue = textOf(config, 'static.value')
  const insertion = (
    key: string,
    type: 'STRING' | 'INT32' | 'INT64',
    valueOf: Insertion['valueOf'],
    options: SchemaOptions = {},
  ): Insertion[] => {
    const spec = textOf(config, key)
    if (spec === null) return []
    const name = /[?!]$/.test(spec) ? spec.slice(0, -1) : spec
    return [{ name, schema: primitive(type, { ...options, optional: !spec.endsWith('!') }), valueOf }]
  }
  const insertions = [
    ...insertion('topic.field', 'STRING', (record) => record.topic),
    ...insertion('partition.field', 'INT32', (record) => record.partition),
    ...insertion('offset.field', 'INT64', (record) => offsetOf(record, transform)),
    ...insertion('timestamp.field', 'INT64', (record) => record.timestamp, { name: Logical.timestamp, version: 1 }),
    ...insertion('static.field', 'STRING', () => staticValue),
  ]
  if (insertions.length === 0)
    throw new ConfigError(`No field insertion configured: ${transform} needs one of the settings *.field`)
  if (textOf(config, 'static.field') !== null && staticValue === null) {
    throw new ConfigError(
      `Invalid value null for configuration static.value: static.field is set, so it needs a value`,
      { key: 'static.value' },
    )
  }
  return insertions
}

const plugins = kafkaTransforms(
  'InsertField',
  configDef,
  (side, config) => new InsertField(side, insertionsOf(config, side.transform), replacesNull(config)),
)

/** `org.apache.kafka.connect.transforms.InsertField$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.InsertField$Value`. */
export const valuePlugin = plugins.value
