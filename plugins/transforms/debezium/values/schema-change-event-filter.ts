import {
  DataError,
  fieldOf,
  isArray,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Schema,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { requireStruct } from '../../record/requirements.ts'
import { debeziumTransform } from '../envelope.ts'
import { every, invalid, required } from '../settings.ts'

const transform = 'SchemaChangeEventFilter'
const types: ReadonlySet<string> = new Set(['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'DATABASE'])

const configDef = {
  'schema.change.event.exclude.list': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The types of schema changes to drop: CREATE, ALTER, DROP, TRUNCATE, and DATABASE for a change of no table.',
    displayName: 'Schema change event exclude list',
    width: 'SHORT',
    order: 1,
    validator: every(required, (key, value) => {
      const unknown = typesOf(value).find((type) => !types.has(type))
      return unknown === undefined
        ? null
        : invalid(key, `No enum constant io.debezium.schema.SchemaChangeEvent.SchemaChangeEventType.${unknown}`)
    }),
  },
} as const satisfies ConfigDef

/** Debezium's filter of schema changes. Sources of Postgres emit none; records of other connectors in a topic may be some. */
class SchemaChangeEventFilter implements Transform {
  readonly #excluded: ReadonlySet<string>

  constructor(excluded: readonly string[]) {
    this.#excluded = new Set(excluded)
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    const { value, valueSchema } = record
    if (value === null || valueSchema === null || !/\.SchemaChange(?:Value|Key)$/.test(valueSchema.name ?? ''))
      return record
    const type = typeOf(valueSchema, value)
    return type === null || this.#excluded.has(type) ? null : record
  }
}

/** Returns the type of the first change; null if there is no list of changes. */
function typeOf(schema: Schema, value: ConnectValue): string | null {
  const event = requireStruct(schema, value, transform)
  const changes = fieldOf(schema, 'tableChanges')
  if (changes?.schema.type !== 'ARRAY')
    throw new DataError(`${transform}: the schema change has no list "tableChanges"`)
  const list = event[changes.index] ?? null
  if (list === null || !isArray(list)) return null
  const [first] = list
  if (first === undefined) return 'DATABASE'
  const item = changes.schema.valueSchema
  const type = item === null ? undefined : fieldOf(item, 'type')
  const name = item === null || type === undefined ? null : requireStruct(item, first, transform)[type.index]
  if (typeof name !== 'string' || !types.has(name))
    throw new DataError(`${transform}: a change of unknown type ${String(name)}`)
  return name
}

function typesOf(value: unknown): readonly string[] {
  const parts = String(value ?? '')
    .split(',')
    .map((part) => part.trim())
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts
}

/** `io.debezium.transforms.SchemaChangeEventFilter`. */
export const plugin: TransformPlugin = debeziumTransform(
  transform,
  configDef,
  (config) => new SchemaChangeEventFilter(typesOf(config['schema.change.event.exclude.list'])),
)
