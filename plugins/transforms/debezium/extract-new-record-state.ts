import {
  DataError,
  fieldOf,
  isArray,
  lastHeader,
  primitive,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Schema,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { isPlainMap } from '../record/plain-map.ts'
import { changeEventOf, optionalForm, type ChangeEvent, type Part } from './change-event.ts'
import {
  newRecordStateConfig,
  newRecordStateSettings,
  type AddedField,
  type NewRecordStateSettings,
} from './new-record-state-config.ts'
import { rowShape, type AppendedField, type RowShape } from './row-shape.ts'

const optionalString = primitive('STRING', { optional: true })
const deletedField = '__deleted'
const noNames: ReadonlySet<string> = new Set()
const maxShapesPerSchema = 64

/**
 * Debezium's [ExtractNewRecordState](https://debezium.io/documentation/reference/stable/transformations/event-flattening.html):
 * replaces a change event by the row after the change. Unlike Debezium's, it also converts events without schemas. Other
 * records are not changed.
 */
export class ExtractNewRecordState implements Transform {
  readonly #settings: NewRecordStateSettings
  readonly #rewrites: boolean
  readonly #keepsTombstones: boolean
  readonly #shapes = new WeakMap<Schema, Map<string, RowShape>>()

  constructor(settings: NewRecordStateSettings) {
    this.#settings = settings
    this.#rewrites = settings.deleteMode.startsWith('rewrite')
    this.#keepsTombstones = settings.deleteMode === 'rewrite-with-tombstone'
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    if (record.value === null) return this.#keepsTombstones ? this.#tombstone(record) : null
    const event = changeEventOf(record)
    if (event === null) return record
    if (event.op === 't') return null
    const headers = this.#withHeaders(record.headers, event)
    return event.op === 'd' || event.after.value === null
      ? this.#deleted(record, event, headers)
      : this.#row(record, event, event.after, headers)
  }

  #tombstone<R extends ConnectRecord>(record: R): R {
    const added = this.#settings.addHeaders.filter(({ parent, field }) => parent === null && field === 'op')
    if (added.length === 0) return record
    return { ...record, headers: [...record.headers, ...added.map(({ name }) => header(name, optionalString, 'd'))] }
  }

  #deleted<R extends ConnectRecord>(record: R, event: ChangeEvent, headers: readonly Header[]): R | null {
    if (this.#settings.deleteMode === 'drop') return null
    if (this.#rewrites) return this.#row(record, event, event.before, headers)
    const valueSchema = this.#settings.deleteMode === 'tombstone' ? event.after.schema : null
    return { ...record, topic: this.#topic(record, event.before), valueSchema, value: null, headers }
  }

  #row<R extends ConnectRecord>(record: R, event: ChangeEvent, from: Part, headers: readonly Header[]): R {
    const topic = this.#topic(record, from)
    const dropped = this.#droppedFields(record)
    const key = this.#settings.dropFieldsFromKey ? this.#keyWithout(record, dropped) : null
    const appended = this.#appended(event)
    const row = this.#rowOf(from, dropped, appended)
    return {
      ...record,
      topic,
      ...(key === null ? {} : { keySchema: key.schema, key: key.value }),
      valueSchema: row.schema,
      value: row.value,
      headers,
    }
  }

  #rowOf(from: Part, dropped: ReadonlySet<string>, appended: readonly (readonly [string, Part])[]): Part {
    if (from.schema === null) {
      const kept = isPlainMap(from.value) ? Object.entries(from.value).filter(([name]) => !dropped.has(name)) : []
      return {
        schema: null,
        value: Object.fromEntries([...kept, ...appended.map(([name, part]) => [name, part.value])]),
      }
    }
    const shape = this.#shapeOf(
      from.schema,
      dropped,
      appended.map(([name, part]) => ({ name, schema: optionalForm(part.schema ?? optionalString) })),
    )
    const values = isArray(from.value) ? from.value : from.schema.fields.map(() => null)
    return {
      schema: shape.schema,
      value: shape.row(
        values,
        appended.map(([, part]) => part.value),
      ),
    }
  }

  #shapeOf(source: Schema, dropped: ReadonlySet<string>, appended: readonly AppendedField[]): RowShape {
    let shapes = this.#shapes.get(source)
    if (shapes === undefined) {
      shapes = new Map()
      this.#shapes.set(source, shapes)
    }
    const id = JSON.stringify([appended.map(({ name }) => name), [...dropped]])
    let shape = shapes.get(id)
    if (shape === undefined) {
      const { keepSchemaCompatible: keepRequired, replaceNullWithDefault } = this.#settings
      shape = rowShape(source, { dropped, keepRequired, appended, replaceNullWithDefault })
      if (shapes.size >= maxShapesPerSchema) shapes.clear()
      shapes.set(id, shape)
    }
    return shape
  }

  #appended(event: ChangeEvent): (readonly [string, Part])[] {
    const added = this.#settings.addFields.flatMap((field) => {
      const part = found(event, field)
      return part === null ? [] : [[field.name, part] as const]
    })
    if (!this.#rewrites) return added
    const deleted: Part = { schema: optionalString, value: event.op === 'd' ? 'true' : 'false' }
    return [[deletedField, deleted], ...added]
  }

  #withHeaders(headers: readonly Header[], event: ChangeEvent): readonly Header[] {
    const { addHeaders } = this.#settings
    if (addHeaders.length === 0) return headers
    const added = addHeaders.flatMap((field) => {
      const part = found(event, field)
      return part === null ? [] : [header(field.name, part.schema, part.value)]
    })
    return [...headers, ...added]
  }

  #topic(record: ConnectRecord, row: Part): string {
    const { routeByField } = this.#settings
    if (routeByField === null) return record.topic
    const topic = memberOf(row, routeByField)
    if (topic === null || String(topic) === '') {
      throw new DataError(`route.by.field: the row has no value in "${routeByField}", which names the topic`)
    }
    return String(topic)
  }

  #droppedFields(record: ConnectRecord): ReadonlySet<string> {
    const { dropFieldsHeader } = this.#settings
    if (dropFieldsHeader === null) return noNames
    const names = lastHeader(record.headers, dropFieldsHeader)?.value ?? null
    return names !== null && isArray(names) ? new Set(names.map(String)) : noNames
  }

  #keyWithout(record: ConnectRecord, dropped: ReadonlySet<string>): Part | null {
    if (dropped.size === 0 || record.key === null) return null
    const key: Part = { schema: record.keySchema, value: record.key }
    if (key.schema?.type === 'STRUCT' || isPlainMap(key.value)) return this.#rowOf(key, dropped, [])
    return null
  }
}

function header(key: string, schema: Schema | null, value: ConnectValue): Header {
  return { key, schema, value }
}

/**
 * Returns null for a column that the table does not have, because other tables may have it. Events without schemas omit
 * members without a value; a member that no event can have is an error.
 */
function found(event: ChangeEvent, { parent, field }: AddedField): Part | null {
  const part = event.part(parent, field)
  if (part !== null) return part
  if (event.after.schema === null && event.before.schema === null) return { schema: null, value: null }
  if (parent === 'before' || parent === 'after') return null
  throw new DataError(`Unable to find field ${parent === null ? field : `${parent}.${field}`} in the change event`)
}

function memberOf(row: Part, name: string): ConnectValue {
  if (row.schema === null) return isPlainMap(row.value) ? (row.value[name] ?? null) : null
  const field = fieldOf(row.schema, name)
  return field === undefined || !isArray(row.value) ? null : (row.value[field.index] ?? null)
}

/** `io.debezium.transforms.ExtractNewRecordState`. */
export const plugin: TransformPlugin = {
  kind: 'transformation',
  className: 'io.debezium.transforms.ExtractNewRecordState',
  aliases: [],
  version: '0.1.0',
  configDef: newRecordStateConfig,
  create: (config, raw) => new ExtractNewRecordState(newRecordStateSettings(config, raw)),
}
