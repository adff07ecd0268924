import {
  DataError,
  fieldOf,
  isArray,
  primitive,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { isPlainMap } from '../record/plain-map.ts'
import { requireStruct } from '../record/requirements.ts'
import { perSchema, remembered } from '../record/struct-shape.ts'
import { addedFields, type AddedField } from './added-field.ts'
import { debeziumTransform, isEnvelope, memberField } from './envelope.ts'
import { newRecordStateConfig, newRecordStateSettings, type NewRecordStateSettings } from './new-record-state-config.ts'
import { isPlainEvent, PlainRecordState } from './plain-record-state.ts'
import { copiesToDrop, rowShape, type Dropped, type RowShape } from './row-shape.ts'

const transform = 'ExtractNewRecordState'
const string = primitive('STRING')
const noNames: ReadonlySet<string> = new Set()
const maxShapesPerSchema = 64

/** What is known of the events of one schema. */
interface EventPlan {
  readonly before: Schema['fields'][number]
  readonly after: Schema['fields'][number]
  headers(): readonly AddedField[]
  fields(): readonly AddedField[]
  /** By whether the row is deleted, and the names of the fields to drop. */
  readonly shapes: Map<string, RowShape>
}

/**
 * Debezium's [ExtractNewRecordState](https://debezium.io/documentation/reference/stable/transformations/event-flattening.html):
 * replaces a change event by the row after the change. Unlike Debezium's, it also converts events without schemas. Other
 * records are not changed.
 */
export class ExtractNewRecordState implements Transform {
  readonly #settings: NewRecordStateSettings
  readonly #rewrites: boolean
  readonly #plain: PlainRecordState
  readonly #planOf: (schema: Schema) => EventPlan
  readonly #keyShapeOf: (schema: Schema) => Map<string, RowShape> = perSchema(() => new Map())

  constructor(settings: NewRecordStateSettings) {
    this.#settings = settings
    this.#rewrites = settings.deleteMode.startsWith('rewrite')
    this.#plain = new PlainRecordState(settings, (record) => this.#dropped(record))
    this.#planOf = perSchema((schema) => eventPlan(schema, settings))
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    const { value, valueSchema } = record
    if (value === null) return this.#tombstone(record)
    if (valueSchema === null) return isPlainEvent(value) ? this.#plain.apply(record, value) : record
    if (!isEnvelope(valueSchema)) return record
    return this.#event(record, this.#planOf(valueSchema), requireStruct(valueSchema, value, transform))
  }

  #tombstone<R extends ConnectRecord>(record: R): R | null {
    if (this.#settings.deleteMode !== 'rewrite-with-tombstone') return null
    const added = this.#settings.addHeaders.filter(({ field }) => field === 'op')
    if (added.length === 0) return record
    return { ...record, headers: [...record.headers, ...added.map(({ name }) => header(name, string, 'd'))] }
  }

  /** A truncate has neither row. */
  #event<R extends ConnectRecord>(given: R, plan: EventPlan, event: StructValue): R | null {
    const after = event[plan.after.index] ?? null
    const before = event[plan.before.index] ?? null
    const headers = plan.headers().map(({ name, schema, read }) => header(name, schema, read(event)))
    const record = headers.length === 0 ? given : { ...given, headers: [...given.headers, ...headers] }
    if (after !== null) return this.#row(record, plan, event, false)
    return before === null ? null : this.#deleted(record, plan, event, before)
  }

  #deleted<R extends ConnectRecord>(record: R, plan: EventPlan, event: StructValue, before: ConnectValue): R | null {
    const { deleteMode } = this.#settings
    if (deleteMode === 'drop') return null
    if (this.#rewrites) return this.#row(record, plan, event, true)
    const dropped = this.#dropped(record)
    return {
      ...record,
      ...this.#key(record, dropped),
      topic: this.#topic(record, plan.before.schema, before),
      valueSchema: deleteMode === 'tombstone' ? plan.after.schema : null,
      value: null,
    }
  }

  #row<R extends ConnectRecord>(record: R, plan: EventPlan, event: StructValue, deleted: boolean): R {
    const { schema, index } = deleted ? plan.before : plan.after
    const row = requireStruct(schema, event[index] ?? null, transform)
    const dropped = this.#dropped(record)
    const shape = this.#shapeOf(plan, schema, dropped, deleted)
    return {
      ...record,
      ...this.#key(record, dropped),
      topic: this.#topic(record, schema, row),
      valueSchema: shape.schema,
      value: shape.row(event, row),
    }
  }

  #shapeOf(plan: EventPlan, source: Schema, dropped: Dropped, deleted: boolean): RowShape {
    return remembered(plan.shapes, shapeId(dropped, deleted), maxShapesPerSchema, () =>
      rowShape(
        source,
        {
          deleted: this.#rewrites ? String(deleted) : null,
          dropped,
          added: plan.fields(),
          addsLast: deleted,
          replaceNull: this.#rewrites && this.#settings.replaceNullWithDefault,
        },
        transform,
      ),
    )
  }

  /** A blank text names no topic. */
  #topic(record: ConnectRecord, schema: Schema, row: ConnectValue): string {
    const { routeByField } = this.#settings
    if (routeByField === null) return record.topic
    const field = fieldOf(schema, routeByField)
    if (field === undefined || field.schema.type !== 'STRING') {
      throw new DataError(
        `route.by.field: ${field === undefined ? 'there is no' : `${field.schema.type} is not the type of a topic:`} column "${routeByField}" in the rows of ${record.topic}`,
      )
    }
    const values = requireStruct(schema, row, transform)
    const topic = String(values[field.index] ?? '')
    return topic.trim() === '' ? record.topic : topic
  }

  #dropped({ headers }: ConnectRecord): Dropped {
    const { dropFieldsHeader, keepSchemaCompatible: keepsRequired } = this.#settings
    const names =
      dropFieldsHeader === null ? null : (headers.find(({ key }) => key === dropFieldsHeader)?.value ?? null)
    if (names === null) return { names: noNames, keepsRequired }
    if (!isArray(names)) throw new DataError(`${transform}: the header "${dropFieldsHeader}" is not a list of fields`)
    return { names: new Set(names.map(String)), keepsRequired }
  }

  #key({ key, keySchema }: ConnectRecord, dropped: Dropped): Partial<Pick<ConnectRecord, 'key' | 'keySchema'>> {
    if (!this.#settings.dropFieldsFromKey || dropped.names.size === 0 || key === null) return {}
    if (keySchema === null) {
      return isPlainMap(key)
        ? { key: Object.fromEntries(Object.entries(key).filter(([name]) => !dropped.names.has(name))) }
        : {}
    }
    if (!copiesToDrop(dropped, keySchema.fields)) return {}
    const request = { deleted: null, dropped, added: [], addsLast: false, replaceNull: false }
    const shape = remembered(this.#keyShapeOf(keySchema), shapeId(dropped, false), maxShapesPerSchema, () =>
      rowShape(keySchema, request, transform),
    )
    return { keySchema: shape.schema, key: shape.row([], requireStruct(keySchema, key, transform)) }
  }
}

function eventPlan(schema: Schema, settings: NewRecordStateSettings): EventPlan {
  // An event that is dropped fails for no field, so they are looked up late.
  let headers: readonly AddedField[] | null = null
  let fields: readonly AddedField[] | null = null
  return {
    before: memberField(schema, 'before', transform),
    after: memberField(schema, 'after', transform),
    headers: () => (headers ??= addedFields(schema, settings.addHeaders, transform)),
    fields: () => (fields ??= addedFields(schema, settings.addFields, transform)),
    shapes: new Map(),
  }
}

function shapeId({ names }: Dropped, deleted: boolean): string {
  return names.size === 0 ? String(deleted) : JSON.stringify([deleted, ...names])
}

function header(key: string, schema: Schema | null, value: ConnectValue): Header {
  return { key, schema, value }
}

/** `io.debezium.transforms.ExtractNewRecordState`. */
export const plugin: TransformPlugin = debeziumTransform(
  transform,
  newRecordStateConfig,
  (config, raw) => new ExtractNewRecordState(newRecordStateSettings(config, raw)),
)
