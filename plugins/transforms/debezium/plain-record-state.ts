import { type ConnectRecord, type ConnectValue, type Header, type PlainMap } from 'penstock/api'

import { isPlainMap, memberOf, setMember, type MutableMap } from '../record/plain-map.ts'
import type { FieldReference } from './added-field.ts'
import type { NewRecordStateSettings } from './new-record-state-config.ts'
import { deletedField, type Dropped } from './row-shape.ts'

/** Returns whether a value without a schema is a change event. */
export function isPlainEvent(value: ConnectValue): value is PlainMap {
  return (
    isPlainMap(value) &&
    typeof memberOf(value, 'op') === 'string' &&
    Object.hasOwn(value, 'source') &&
    (Object.hasOwn(value, 'after') || Object.hasOwn(value, 'before'))
  )
}

/** Replaces change events without schemas by rows. Members that an event does not have are null. */
export class PlainRecordState {
  readonly #settings: NewRecordStateSettings
  readonly #droppedOf: (record: ConnectRecord) => Dropped

  constructor(settings: NewRecordStateSettings, droppedOf: (record: ConnectRecord) => Dropped) {
    this.#settings = settings
    this.#droppedOf = droppedOf
  }

  apply<R extends ConnectRecord>(given: R, event: PlainMap): R | null {
    const [before, after] = [memberOf(event, 'before'), memberOf(event, 'after')]
    const added = this.#settings.addHeaders.map((reference): Header => {
      return { key: reference.name, schema: null, value: referenced(event, reference) }
    })
    const record = { ...given, headers: [...given.headers, ...added] }
    if (after !== null) return this.#row(record, event, after, false)
    return before === null ? null : this.#deleted(record, event, before)
  }

  #deleted<R extends ConnectRecord>(record: R, event: PlainMap, before: ConnectValue): R | null {
    const { deleteMode } = this.#settings
    if (deleteMode === 'drop') return null
    if (deleteMode.startsWith('rewrite')) return this.#row(record, event, before, true)
    return { ...record, topic: this.#topic(record, before), value: null }
  }

  #row<R extends ConnectRecord>(record: R, event: PlainMap, row: ConnectValue, deleted: boolean): R {
    const { names } = this.#droppedOf(record)
    const value: MutableMap = {}
    const columns = isPlainMap(row) ? row : {}
    for (const name of Object.keys(columns)) if (!names.has(name)) setMember(value, name, memberOf(columns, name))
    if (this.#settings.deleteMode.startsWith('rewrite')) value[deletedField] = String(deleted)
    for (const reference of this.#settings.addFields) setMember(value, reference.name, referenced(event, reference))
    return { ...record, ...this.#key(record, names), topic: this.#topic(record, row), value }
  }

  #key({ key }: ConnectRecord, names: ReadonlySet<string>): Partial<Pick<ConnectRecord, 'key'>> {
    if (!this.#settings.dropFieldsFromKey || names.size === 0 || !isPlainMap(key)) return {}
    return { key: Object.fromEntries(Object.entries(key).filter(([name]) => !names.has(name))) }
  }

  #topic(record: ConnectRecord, row: ConnectValue): string {
    const { routeByField } = this.#settings
    if (routeByField === null || !isPlainMap(row)) return record.topic
    const topic = memberOf(row, routeByField)
    return typeof topic === 'string' && topic.trim() !== '' ? topic : record.topic
  }
}

function referenced(event: PlainMap, { parent, field }: FieldReference): ConnectValue {
  const outer = parent === null ? event : memberOf(event, parent)
  return isPlainMap(outer) ? memberOf(outer, field) : null
}
