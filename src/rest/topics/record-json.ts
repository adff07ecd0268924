import { plainJson, quoteJson } from '../../api/json/json-text.ts'
import type { PlainMap } from '../../api/schema.ts'
import type { RecordJourney, RecordsPage, SinkStage, TopicRecord } from '../../herder/entities/topic-info.ts'

/** A page of records in JSON. Keys and values are JSON already. */
export function pageJson(topic: string, { records, connector, next, read, note }: RecordsPage): string {
  const rest = plainJson({ topic, connector, next, read, note })
  return `${rest.slice(0, -1)},"records":[${records.map(recordJson).join(',')}]}`
}

/** The stages of a record in JSON. */
export function journeyJson(topic: string, { record, commit, sinks, note }: RecordJourney): string {
  const known = plainJson({
    topic,
    commit: commit === null ? null : { ...commit, time: commit.time === null ? null : timeJson(commit.time) },
    log: record === null ? null : logJson(record),
    sinks: sinks.map(stageJson),
    note,
  })
  return `${known.slice(0, -1)},"record":${record === null ? 'null' : recordJson(record)}}`
}

function logJson({ partition, offset, timestamp }: TopicRecord): PlainMap {
  return { partition, offset, time: timeJson(timestamp) }
}

function stageJson({ connector, committed, isCommitted, place, note }: SinkStage): PlainMap {
  return { connector, committed_offset: committed, committed: isCommitted, place: placeJson(place), note }
}

function placeJson(place: SinkStage['place']): PlainMap | null {
  return place === null ? null : { kind: place.kind, name: place.name, ...place.details }
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
