import {
  arrayOf,
  DataError,
  fieldOf,
  isArray,
  isMap,
  primitive,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { requireStruct } from '../../record/requirements.ts'
import { perSchema } from '../../record/struct-shape.ts'
import { debeziumTransform, isEnvelope, memberField } from '../envelope.ts'
import { textOrNull } from '../settings.ts'

const transform = 'ExtractChangedRecordState'

const configDef = {
  'header.changed.name': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The header with the names of the columns that an update has changed. By default, there is no such header.',
    displayName: 'Header change name.',
    width: 'LONG',
    order: 1,
  },
  'header.unchanged.name': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The header with the names of the columns that an update has not changed. By default, there is no such header.',
    displayName: 'Header unchanged name.',
    width: 'LONG',
    order: 1,
  },
} as const satisfies ConfigDef

/** The columns of both rows of the change events of one schema. */
interface EventPlan {
  readonly before: Schema['fields'][number]
  readonly after: Schema['fields'][number]
  columns(): readonly { readonly name: string; readonly before: number; readonly after: number }[]
}

interface Listing {
  readonly name: string
  readonly schema: Schema
  readonly changed: boolean
}

/**
 * Debezium's [event changes](https://debezium.io/documentation/reference/stable/transformations/event-changes.html): adds headers with
 * the columns that an update has changed, and with the others. Other changes get empty lists.
 */
class ExtractChangedRecordState implements Transform {
  readonly #listings: readonly Listing[]
  readonly #planOf = perSchema(eventPlan)

  constructor(changed: string | null, unchanged: string | null) {
    const listing = (name: string | null, isChanged: boolean): Listing[] =>
      name === null ? [] : [{ name, schema: listSchema(name), changed: isChanged }]
    this.#listings = [...listing(changed, true), ...listing(unchanged, false)]
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (value === null || valueSchema === null || !isEnvelope(valueSchema)) return record
    const plan = this.#planOf(valueSchema)
    const event = requireStruct(valueSchema, value, transform)
    const names = changedNames(plan, event)
    const added = this.#listings.map(({ name, schema, changed }): Header => {
      return { key: name, schema, value: changed ? names.changed : names.unchanged }
    })
    return added.length === 0 ? record : { ...record, headers: [...record.headers, ...added] }
  }
}

function listSchema(name: string): Schema {
  return arrayOf(primitive('STRING', { optional: true }), { optional: true, name })
}

function eventPlan(schema: Schema): EventPlan {
  const [before, after] = [memberField(schema, 'before', transform), memberField(schema, 'after', transform)]
  let columns: ReturnType<EventPlan['columns']> | null = null
  return { before, after, columns: () => (columns ??= commonColumns(before.schema, after.schema)) }
}

function commonColumns(before: Schema, after: Schema): ReturnType<EventPlan['columns']> {
  return after.fields.map(({ name, index }) => {
    const old = fieldOf(before, name)
    if (old === undefined) throw new DataError(`${transform}: the row before the change has no column "${name}"`)
    return { name, before: old.index, after: index }
  })
}

function changedNames(plan: EventPlan, event: StructValue): { changed: string[]; unchanged: string[] } {
  const names = { changed: new Array<string>(), unchanged: new Array<string>() }
  const rowOf = ({ index, schema }: EventPlan['before']): ConnectValue => event[index] ?? schema.defaultValue ?? null
  const [before, after] = [rowOf(plan.before), rowOf(plan.after)]
  if (before === null || after === null || !isArray(before) || !isArray(after)) return names
  for (const column of plan.columns()) {
    const isSame = same(before[column.before] ?? null, after[column.after] ?? null)
    names[isSame ? 'unchanged' : 'changed'].push(column.name)
  }
  return names
}

/** As of Java's `equals`, NaN equals itself, and 0 is not -0. */
function same(one: ConnectValue, other: ConnectValue): boolean {
  if (Object.is(one, other)) return true
  if (isInteger(one) && isInteger(other))
    return BigInt(one) === BigInt(other) && !Object.is(one, -0) && !Object.is(other, -0)
  if (one instanceof Uint8Array) return other instanceof Uint8Array && Buffer.compare(one, other) === 0
  if (one === null || other === null) return false
  if (isArray(one))
    return isArray(other) && one.length === other.length && one.every((item, i) => same(item, other[i] ?? null))
  if (isMap(one))
    return isMap(other) && one.size === other.size && [...one].every(([key, item]) => sameIn(other, key, item))
  return false
}

/** An integer is a number or a bigint. */
function isInteger(value: ConnectValue): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
}

function sameIn(map: ReadonlyMap<ConnectValue, ConnectValue>, key: ConnectValue, item: ConnectValue): boolean {
  return map.has(key) && same(item, map.get(key) ?? null)
}

/** `io.debezium.transforms.ExtractChangedRecordState`. */
export const plugin: TransformPlugin = debeziumTransform(transform, configDef, (config) => {
  return new ExtractChangedRecordState(
    textOrNull(config['header.changed.name']),
    textOrNull(config['header.unchanged.name']),
  )
})
