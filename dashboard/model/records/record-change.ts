import { compact, oneLine } from './exact-json.ts'

/** A record, as `GET /topics/{topic}/records` returns it. */
export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  /** ISO 8601. */
  readonly timestamp: string | null
  readonly key: unknown
  readonly value: unknown
  readonly headers: readonly { readonly key: string; readonly value: unknown }[]
  readonly schema: { readonly key: SchemaNote | null; readonly value: SchemaNote | null }
  /** Why the converters cannot read it. */
  readonly error?: string
  readonly raw?: { readonly key: string | null; readonly value: string | null }
}

export interface SchemaNote {
  readonly type: string
  readonly name: string | null
  readonly version: number | null
}

export type Operation = 'create' | 'update' | 'delete' | 'read' | 'truncate'

/** A column of a changed row. Undefined: that side does not have it. */
export interface ColumnChange {
  readonly column: string
  readonly before: unknown
  readonly after: unknown
  readonly isChanged: boolean
}

/** A change event of Debezium. */
export interface RecordChange {
  readonly operation: Operation
  readonly columns: readonly ColumnChange[]
  /** Whether the event has the row before the change; without replica identity FULL it does not. */
  readonly hasBefore: boolean
}

const operations: Readonly<Record<string, Operation>> = {
  c: 'create',
  u: 'update',
  d: 'delete',
  r: 'read',
  t: 'truncate',
}

/** The change that a value describes; null: it is no change event. */
export function changeOf(value: unknown): RecordChange | null {
  if (!isObject(value) || typeof value['op'] !== 'string') return null
  const operation = operations[value['op']]
  if (operation === undefined || !('after' in value || 'before' in value)) return null
  const [before, after] = [rowOf(value['before']), rowOf(value['after'])]
  const names = [...new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])]
  const columns = names.map((column) => {
    const [old, now] = [before?.[column], after?.[column]]
    const isChanged = operation === 'update' && before !== null && compact(old) !== compact(now)
    return { column, before: old, after: now, isChanged }
  })
  return { operation, columns, hasBefore: before !== null }
}

/** What a record says on one line: the changed columns of an update, the row of other events, else the value. */
export function summaryOf({ value, error }: TopicRecord): string {
  if (error !== undefined) return error
  if (value === null) return 'tombstone'
  const change = changeOf(value)
  if (change === null) return oneLine(value)
  const changed = change.columns.filter(({ isChanged }) => isChanged)
  if (changed.length > 0)
    return changed.map(({ column, before, after }) => `${column}: ${oneLine(before)} → ${oneLine(after)}`).join(', ')
  const side = change.operation === 'delete' ? 'before' : 'after'
  return change.columns.map((each) => `${each.column}: ${oneLine(each[side])}`).join(', ')
}

/** Adds records behind those that are shown, newest first, and keeps the newest. Those that are shown already are left out. */
export function withNewer(
  shown: readonly TopicRecord[],
  records: readonly TopicRecord[],
  limit: number,
): readonly TopicRecord[] {
  const known = new Set(shown.map(positionOf))
  const fresh = records.filter((record) => !known.has(positionOf(record)))
  return fresh.length === 0 ? shown : [...fresh.toReversed(), ...shown].slice(0, limit)
}

export function positionOf({ partition, offset }: TopicRecord): string {
  return `${partition}:${offset}`
}

function rowOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return isObject(value) ? value : null
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
