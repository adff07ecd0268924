import {
  DataError,
  fieldOf,
  type ConnectRecord,
  type ConnectValue,
  type Field,
  type Header,
  type Schema,
  type StructValue,
  type Transform,
  type TransformContext,
  type TransformPlugin,
} from 'penstock/api'

import { CountedLine } from '../../record/counted-line.ts'
import { missingField, requireStruct } from '../../record/requirements.ts'
import { perSchema, remembered, structOf } from '../../record/struct-shape.ts'
import { TopicNames } from '../../routing/topic-names.ts'
import { debeziumTransform, isEnvelope, memberField } from '../envelope.ts'
import { eventRouterConfig, eventRouterSettings, type EventRouterSettings } from './event-router-config.ts'
import { JsonPayloads, type Expanded } from './json-payload.ts'
import { millisecondsOf } from './event-time.ts'

const transform = 'EventRouter'
const maxSchemasPerPayload = 1000

/** The columns of the rows of one schema. */
interface OutboxPlan {
  /** The name of their schema. */
  readonly name: string | null
  readonly id: Field
  readonly key: Field
  readonly payload: Field
  readonly route: Field
  readonly version: Field | null
  readonly partition: Field | null
  readonly headers: readonly Placed[]
  readonly envelope: readonly Placed[]
  readonly timestamp: Field | null
  /** The time at which the change was processed, in the change event. */
  readonly processed: Field
}

interface Placed {
  readonly alias: string
  readonly column: Field
}

/**
 * Debezium's [outbox event router](https://debezium.io/documentation/reference/stable/transformations/outbox-event-router.html): sends
 * the payload of a row that is inserted into an outbox table to the topic that the row names. Deletes and tombstones are dropped,
 * records that are no change events are not changed.
 */
class EventRouter implements Transform {
  readonly #settings: EventRouterSettings
  readonly #topics: TopicNames
  readonly #payloads: JsonPayloads
  readonly #updates: CountedLine
  readonly #unexpanded: CountedLine
  readonly #planOf: (schema: Schema) => OutboxPlan
  /** By the schema of the payload, then by topic and version. */
  readonly #schemasOf = perSchema(() => new Map<string, Schema>())

  /** @param context absent while a config is validated */
  constructor(settings: EventRouterSettings, context: TransformContext | undefined) {
    this.#settings = settings
    this.#updates = new CountedLine(context, settings.onUpdate === 'error' ? 'error' : 'warn')
    this.#unexpanded = new CountedLine(context)
    this.#topics = new TopicNames(settings.regex, settings.replacement, transform)
    this.#payloads = new JsonPayloads(settings.keepsNull)
    this.#planOf = perSchema((schema) => outboxPlan(schema, settings))
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    const { value, valueSchema } = record
    if (value === null) return null
    if (valueSchema === null || !isEnvelope(valueSchema)) return record
    const event = requireStruct(valueSchema, value, transform)
    const op = event[memberField(valueSchema, 'op', transform).index]
    if (op === 'd') return null
    if (op === 'u') return this.#updated(record)
    const after = memberField(valueSchema, 'after', transform)
    const row = requireStruct(after.schema, event[after.index] ?? null, transform)
    const plan = this.#planOf(valueSchema)
    return this.#routed(record, plan, event, row)
  }

  #updated(record: ConnectRecord): null {
    const { onUpdate } = this.#settings
    const what = `${transform}: unexpected update of a row of the outbox table in topic ${record.topic}`
    if (onUpdate === 'fatal') throw new DataError(what)
    this.#updates.add(`${what}. It is dropped (table.op.invalid.behavior=${onUpdate})`)
    return null
  }

  #routed<R extends ConnectRecord>(record: R, plan: OutboxPlan, event: StructValue, row: StructValue): R {
    const given = { schema: plan.payload.schema, value: columnOf(row, plan.payload) }
    const payload = this.#settings.expandsJson ? this.#expanded(given, record.topic) : given
    const isEmpty = payload.value === null || (typeof payload.value === 'string' && payload.value.trim() === '')
    const route = row[plan.route.index] ?? null
    if (route === null)
      throw new DataError(`${transform}: the column "${plan.route.name}", which names the topic, is null`)
    const value = isEmpty && this.#settings.tombstones ? null : this.#value(plan, row, payload, String(route))
    return {
      ...record,
      topic: this.#topics.of(String(route)),
      partition: plan.partition === null ? null : ((row[plan.partition.index] ?? null) as number | null),
      keySchema: plan.key.schema,
      key: columnOf(row, plan.key),
      valueSchema: value === null ? null : value.schema,
      value: value === null ? null : value.value,
      timestamp: timestampOf(plan, event, row),
      headers: [
        ...record.headers,
        header('id', row, plan.id),
        ...plan.headers.map((one) => header(one.alias, row, one.column)),
      ],
    }
  }

  /** Returns the payload; what cannot be expanded is sent unchanged. */
  #expanded(payload: Expanded, topic: string): Expanded {
    const { value } = payload
    if (value === null || (typeof value === 'string' && value.trim() === '')) return payload
    let why = typeof value === 'string' ? 'it is no JSON object' : `it is no text, but ${payload.schema.type}`
    try {
      if (typeof value === 'string' && value.startsWith('{'))
        return this.#payloads.expand(this.#settings.columns.payload, value)
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof DataError)) throw error
      // The message of a parser may show the text.
      if (error instanceof DataError) why = 'its JSON has no schema'
    }
    this.#unexpanded.add(
      `${transform}: the payload of a row of topic ${topic} is sent as it is (table.expand.json.payload): ${why}`,
    )
    return payload
  }

  #value(plan: OutboxPlan, row: StructValue, payload: Expanded, route: string): Expanded {
    if (plan.envelope.length === 0) return payload
    if (payload.value === null && !payload.schema.optional) throw missingField(transform, 'payload', payload.schema)
    const version = plan.version === null ? null : ((row[plan.version.index] ?? null) as number | null)
    return {
      schema: this.#envelopeSchema(plan, payload.schema, route, version),
      value: [payload.value, ...plan.envelope.map(({ column }) => columnOf(row, column))],
    }
  }

  #envelopeSchema(plan: OutboxPlan, payload: Schema, route: string, version: number | null): Schema {
    const schemas = this.#schemasOf(payload)
    const name = schemaName(plan.name, route)
    return remembered(schemas, `${version} ${name}`, maxSchemasPerPayload, () => {
      const fields = plan.envelope.map(({ alias, column }) => ({ name: alias, schema: column.schema }))
      const options = version === null ? { name } : { name, version }
      return structOf([{ name: 'payload', schema: payload }, ...fields], options, transform)
    })
  }
}

function outboxPlan(schema: Schema, { columns, additional, failsOnMissing }: EventRouterSettings): OutboxPlan {
  const table = memberField(schema, 'after', transform).schema
  const placed = (placement: string): Placed[] =>
    additional
      .filter((field) => field.placement === placement)
      .flatMap(({ field, alias }) =>
        !failsOnMissing && fieldOf(table, field) === undefined ? [] : [{ alias, column: columnNamed(table, field) }],
      )
  return {
    name: table.name,
    id: columnNamed(table, columns.id),
    key: columnNamed(table, columns.key),
    payload: columnNamed(table, columns.payload),
    route: columnNamed(table, columns.route, 'STRING'),
    version: columns.version === null ? null : columnNamed(table, columns.version, 'INT32'),
    partition:
      placed('partition')
        .map(({ column }) => columnNamed(table, column.name, 'INT32'))
        .at(-1) ?? null,
    headers: placed('header'),
    envelope: placed('envelope'),
    timestamp: columns.timestamp === null ? null : columnNamed(table, columns.timestamp, 'INT64'),
    processed: memberField(schema, 'ts_ms', transform),
  }
}

function columnNamed(table: Schema, name: string, type: Schema['type'] | null = null): Field {
  const field = fieldOf(table, name)
  if (field === undefined) throw new DataError(`${transform}: the outbox table has no column "${name}"`)
  if (type === null || field.schema.type === type) return field
  throw new DataError(`${transform}: the column "${name}" of the outbox table is ${field.schema.type}, not ${type}`)
}

function columnOf(row: StructValue, { index, schema }: Field): ConnectValue {
  return row[index] ?? schema.defaultValue ?? null
}

function header(key: string, row: StructValue, column: Field): Header {
  return { key, schema: column.schema, value: columnOf(row, column) }
}

function timestampOf({ timestamp, processed }: OutboxPlan, event: StructValue, row: StructValue): number | null {
  const own = timestamp === null ? null : (row[timestamp.index] ?? null)
  if (timestamp !== null && own !== null) return millisecondsOf(timestamp, own, transform)
  const at = event[processed.index] ?? null
  return at === null ? null : Number(at)
}

/** The routed text comes before the last part of the name of the table's schema. */
function schemaName(table: string | null, route: string): string {
  if (table === null) return route
  const lastDot = table.lastIndexOf('.')
  return `${table.slice(0, lastDot + 1)}${route}.${table.slice(lastDot + 1)}`
}

/** `io.debezium.transforms.outbox.EventRouter`. */
export const plugin: TransformPlugin = debeziumTransform(
  'outbox.EventRouter',
  eventRouterConfig,
  (config, _raw, context) => new EventRouter(eventRouterSettings(config), context),
)
