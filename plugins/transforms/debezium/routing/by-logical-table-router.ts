import {
  ConfigError,
  DataError,
  isArray,
  primitive,
  type ConfigDef,
  type ConnectRecord,
  type ParsedConfig,
  type Schema,
  type StructValue,
  type Transform,
  type TransformContext,
  type TransformPlugin,
} from 'penstock/api'

import { CountedLine } from '../../record/counted-line.ts'
import { kindOf, requireStruct } from '../../record/requirements.ts'
import {
  basicsOf,
  keptField,
  perSchema,
  remembered,
  structOf,
  structShape,
  type ShapeField,
  type StructShape,
} from '../../record/struct-shape.ts'
import { TopicNames } from '../../routing/topic-names.ts'
import { debeziumTransform, isEnvelope, memberField } from '../envelope.ts'
import { chosenText, every, invalid, oneOfTexts, regex, required, textOrNull } from '../settings.ts'
import { adjustedName, adjustmentModes, type AdjustmentMode } from './schema-names.ts'

const transform = 'ByLogicalTableRouter'
const maxTopicsPerSchema = 1000

const configDef = {
  'topic.regex': {
    type: 'STRING',
    importance: 'LOW',
    doc: 'The regular expression for the whole name of a topic. Records of other topics are not changed.',
    displayName: 'Topic regex',
    width: 'LONG',
    order: 1,
    validator: every(required, regex),
  },
  'topic.replacement': {
    type: 'STRING',
    importance: 'LOW',
    doc: 'The name of the topic of the logical table, with the groups of topic.regex.',
    displayName: 'Topic replacement',
    width: 'LONG',
    order: 1,
    validator: required,
  },
  'key.enforce.uniqueness': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether the key gets a field with the name of the topic, so that rows of several tables have different keys.',
    displayName: 'Add source topic name into key',
    width: 'SHORT',
    order: 1,
  },
  'key.field.regex': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The regular expression for the whole name of the topic, of which the field of the key is made. A name that it does not match is used itself.',
    displayName: 'Key field regex',
    width: 'LONG',
    order: 1,
    validator: regex,
  },
  'key.field.replacement': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The value of the field of the key, with the groups of key.field.regex.',
    displayName: 'Key field replacement',
    width: 'LONG',
    order: 1,
  },
  'logical.table.cache.size': {
    type: 'INT',
    defaultValue: 16,
    importance: 'LOW',
    doc: 'The number of names of topics that are kept with what they become.',
    displayName: 'Logical table cache size',
    width: 'LONG',
    order: 1,
  },
  'key.field.name': {
    type: 'STRING',
    defaultValue: '__dbz__physicalTableIdentifier',
    importance: 'LOW',
    doc: 'The name of the field that the key gets.',
    displayName: 'Key field name',
    width: 'LONG',
    order: 1,
  },
  'schema.name.adjustment.mode': {
    type: 'STRING',
    defaultValue: 'none',
    importance: 'LOW',
    doc: "How the names of schemas, which are made of the name of the topic, are adjusted: 'none'; 'avro' replaces characters that Avro does not allow by an underscore; 'avro_unicode' by their code.",
    displayName: 'Schema Name Adjustment',
    width: 'MEDIUM',
    order: 1,
    validator: oneOfTexts(...adjustmentModes),
    recommended: adjustmentModes,
  },
} as const satisfies ConfigDef

interface Settings {
  readonly topics: TopicNames
  /** Null if the name of the topic itself is the value of the field. */
  readonly identifiers: TopicNames | null
  /** The name of the field of the key; null if the key gets none. */
  readonly keyField: string | null
  readonly adjustment: AdjustmentMode
}

interface EventShape {
  readonly envelope: StructShape
  readonly row: StructShape
  readonly before: number
  readonly after: number
}

const string = primitive('STRING')

/**
 * Debezium's [topic routing](https://debezium.io/documentation/reference/stable/transformations/topic-routing.html): sends the records
 * of several tables to one topic, with the schemas of one table, and with a field in the key that tells them apart.
 */
class ByLogicalTableRouter implements Transform {
  readonly #settings: Settings
  readonly #keysOf: (schema: Schema) => Map<string, StructShape> = perSchema(() => new Map())
  readonly #eventsOf: (schema: Schema) => Map<string, EventShape> = perSchema(() => new Map())

  readonly #unnamed: CountedLine

  constructor(settings: Settings, context: TransformContext | undefined) {
    this.#settings = settings
    this.#unnamed = new CountedLine(context)
  }

  apply<R extends ConnectRecord>(record: R): R {
    const topic = this.#settings.topics.matching(record.topic)
    if (topic === null) return record
    if (topic === '') {
      this.#unnamed.add(
        `${transform}: topic.replacement makes an empty name of topic ${record.topic}: the record stays`,
      )
      return record
    }
    const { value, valueSchema } = record
    const routed = { ...record, topic, ...this.#key(record, topic) }
    if (value === null || valueSchema === null || !isEnvelope(valueSchema)) return routed
    const shape = remembered(this.#eventsOf(valueSchema), topic, maxTopicsPerSchema, () =>
      eventShape(valueSchema, this.#namer(topic)),
    )
    return {
      ...routed,
      valueSchema: shape.envelope.schema,
      value: eventOf(shape, requireStruct(valueSchema, value, transform)),
    }
  }

  /** A table without a primary key has no keys. */
  #key({ key, keySchema, topic: table }: ConnectRecord, topic: string): Pick<ConnectRecord, 'key' | 'keySchema'> {
    if (key === null) return { keySchema: null, key }
    if (keySchema === null) throw new DataError(`${transform} needs a struct as the key, found ${kindOf(null, key)}`)
    const values = requireStruct(keySchema, key, transform)
    const { keyField, identifiers } = this.#settings
    const shape = remembered(this.#keysOf(keySchema), topic, maxTopicsPerSchema, () =>
      keyShape(keySchema, this.#namer(topic)('Key'), keyField),
    )
    const row = shape.row(values)
    if (keyField !== null) row[row.length - 1] = identifiers === null ? table : identifiers.of(table)
    return { keySchema: shape.schema, key: row }
  }

  #namer(topic: string): (part: string) => string {
    return (part) => adjustedName(`${topic}.${part}`, this.#settings.adjustment)
  }
}

function keyShape(source: Schema, name: string, keyField: string | null): StructShape {
  const kept = source.fields.map((field) => keptField(field, true))
  const added: ShapeField[] =
    keyField === null ? [] : [{ name: keyField, schema: string, from: -1, fallback: null, convert: null }]
  return named(source, name, [...kept, ...added])
}

/** Both rows get the schema of the row before. */
function eventShape(source: Schema, nameOf: (part: string) => string): EventShape {
  const [before, after] = [memberField(source, 'before', transform), memberField(source, 'after', transform)]
  const row = named(
    before.schema,
    nameOf('Value'),
    before.schema.fields.map((field) => keptField(field, true)),
  )
  const fields = source.fields.map((field): ShapeField => {
    const isRow = field === before || field === after
    return isRow ? { ...keptField(field, true), schema: row.schema } : keptField(field, true)
  })
  return { envelope: named(source, nameOf('Envelope'), fields), row, before: before.index, after: after.index }
}

function named(source: Schema, name: string, fields: readonly ShapeField[]): StructShape {
  const schema = structOf(fields, { ...basicsOf(source), name, optional: source.optional }, transform)
  return structShape(schema, fields, transform)
}

function eventOf({ envelope, row, before, after }: EventShape, values: StructValue): StructValue {
  const event = envelope.row(values)
  for (const index of [before, after]) {
    const old = event[index] ?? null
    if (old !== null && isArray(old)) event[index] = row.row(old)
  }
  return event
}

function settingsOf(config: ParsedConfig): Settings {
  const size = Math.max(1, Number(config['logical.table.cache.size']))
  const names = (from: string, to: string): TopicNames => new TopicNames(from, to, transform, size)
  const keyRegex = textOrNull(config['key.field.regex'])
  const keyReplacement = textOrNull(config['key.field.replacement'])
  if (keyRegex !== null && keyReplacement === null) {
    const key = 'key.field.replacement'
    const problem = invalid(key, `${key} must be non-empty if key.field.regex is set.`)
    throw new ConfigError(`Invalid value null for configuration ${key}: ${problem}`, { key })
  }
  return {
    topics: names(String(config['topic.regex']), String(config['topic.replacement'])),
    identifiers: keyRegex === null || keyReplacement === null ? null : names(keyRegex, keyReplacement),
    keyField: config['key.enforce.uniqueness'] === false ? null : String(config['key.field.name']),
    adjustment: chosenText(config['schema.name.adjustment.mode'], adjustmentModes),
  }
}

/** `io.debezium.transforms.ByLogicalTableRouter`. */
export const plugin: TransformPlugin = debeziumTransform(
  transform,
  configDef,
  (config, _raw, context) => new ByLogicalTableRouter(settingsOf(config), context),
)
