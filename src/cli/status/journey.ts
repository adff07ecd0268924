import { grouped } from '../output/text.ts'
import type { ConnectorOffset } from '../rest-client/entities.ts'
import type { TopicRecord } from '../rest-client/penstock-entities.ts'

/** A place that a record has come to, or not yet. */
export interface Stage {
  /** `commit`, `log`, or the name of a sink. */
  readonly stage: string
  readonly place: string
  /** In ISO 8601; null where it is not known. */
  readonly time: string | null
  readonly isDone: boolean
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether the key of a record is `key`: its JSON, its text, or the value of its only field. */
export function hasKey({ key }: TopicRecord, text: string): boolean {
  if (JSON.stringify(key) === compactJson(text) || key === text) return true
  if (!isObject(key)) return false
  const values = Object.values(key)
  return values.length === 1 && String(values[0]) === text
}

/** A text that is in the JSON of every record with the key: a filter that the server applies. */
export function filterOf(text: string): string {
  const value: unknown = parsedOrNull(text)
  const [only] = isObject(value) ? Object.values(value) : [value]
  const word = typeof only === 'string' || typeof only === 'number' ? String(only) : text
  // In double quotes, it does not look like a condition.
  return `"${word}"`
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const compactJson = (text: string): string => {
  const value = parsedOrNull(text)
  return value === null ? text : JSON.stringify(value)
}

/** The commit of a change event of Debezium in its database; null for any other record. */
export function commitOf({ value }: TopicRecord): Stage | null {
  const source = isObject(value) ? value['source'] : null
  if (!isObject(source)) return null
  const lsn = typeof source['lsn'] === 'number' ? lsnText(source['lsn']) : null
  const table = [source['schema'], source['table']].filter((part) => typeof part === 'string').join('.')
  const time = typeof source['ts_ms'] === 'number' ? new Date(source['ts_ms']).toISOString() : null
  return {
    stage: 'commit',
    place: [table, lsn === null ? '' : `LSN ${lsn}`].filter((part) => part !== '').join(', '),
    time,
    isDone: true,
  }
}

/** An LSN as Postgres writes it: two halves in hexadecimal. */
const lsnText = (lsn: number): string =>
  `${Math.floor(lsn / 2 ** 32)
    .toString(16)
    .toUpperCase()}/${(lsn % 2 ** 32).toString(16).toUpperCase()}`

/** Whether a sink has committed an offset behind the record. */
export function deliveryOf(
  sink: string,
  offsets: readonly ConnectorOffset[],
  { topic, record }: { readonly topic: string; readonly record: TopicRecord },
): Stage {
  const own = offsets.find(
    ({ partition }) => partition['kafka_topic'] === topic && partition['kafka_partition'] === record.partition,
  )
  const committed = Number(own?.offset?.['kafka_offset'] ?? 0)
  const missing = record.offset + 1 - committed
  const place = missing <= 0 ? 'delivered' : `waits: ${grouped(missing)} records are not committed yet`
  return {
    stage: sink,
    place: missing === 1 ? 'waits: it is the next record' : place,
    time: null,
    isDone: missing <= 0,
  }
}
