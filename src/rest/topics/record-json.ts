import { plainJson, quoteJson } from '../../api/json/json-text.ts'
import type { PlainMap } from '../../api/schema.ts'
import type { RecordsPage, TopicRecord } from '../../herder/entities/topic-info.ts'

/** A page of records in JSON. Keys and values are JSON already. */
export function pageJson(topic: string, { records, connector, next, read, note }: RecordsPage): string {
  const rest = plainJson({ topic, connector, next, read, note })
  return `${rest.slice(0, -1)},"records":[${records.map(recordJson).join(',')}]}`
}

/** A record in JSON, on one line. */
export function recordJson(record: TopicRecord): string {
  const { partition, offset, timestamp, key, value, error, raw } = record
  const head = `"partition":${partition},"offset":${offset},"timestamp":${plainJson(timeJson(timestamp))}`
  const headers = record.headers.map((header) => `{"key":${quoteJson(header.key)},"value":${header.value}}`)
  const schema = plainJson({ key: noteJson(record.keySchema), value: noteJson(record.valueSchema) })
  const failure = error === null ? '' : `,${plainJson({ error, raw: { ...raw } }).slice(1, -1)}`
  return `{${head},"key":${key},"value":${value},"headers":[${headers.join(',')}],"schema":${schema}${failure}}`
}

function noteJson(schema: TopicRecord['keySchema']): PlainMap | null {
  return schema === null ? null : { ...schema }
}

/** Null for a record without a time, or with one that no date has. */
function timeJson(ms: number): string | null {
  const date = new Date(ms < 0 ? Number.NaN : ms)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
