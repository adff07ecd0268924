import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import { javaText } from '../../../api/java/java-text.ts'
import type { SourceRecord } from '../../../api/record.ts'
import type { ConnectValue, Schema } from '../../../api/schema.ts'
import type { RecordFailure } from './record-failure.ts'

/** Returns Kafka Connect's line about a failed record. @param shown the text of the record; empty if it is not to be shown */
export function errorLine(task: string, { stage, executingClass }: RecordFailure, shown: string): string {
  return `Error encountered in task ${task}. Executing stage '${stage}' with class '${executingClass ?? 'null'}'${shown}.`
}

/** Returns where a sink's record is, as Kafka Connect's line says it. */
export function consumedRecordText({ topic, partition, offset, timestamp, timestampType }: FetchedRecord): string {
  const kind = timestampType === 1 ? 'LogAppendTime' : 'CreateTime'
  const time = timestamp < 0 ? '' : `, timestamp=${timestamp}, timestampType=${kind}`
  return `, where consumed record is {topic='${topic}', partition=${partition}, offset=${offset}${time}}`
}

/** Returns a source's record as Kafka Connect's line says it. */
export function sourceRecordText(record: SourceRecord): string {
  const { topic, partition, keySchema, key, valueSchema, value, timestamp, headers } = record
  const shownHeaders = headers.map(
    (header) =>
      `ConnectHeader(key=${header.key}, value=${valueText(header.schema, header.value)}, schema=${schemaText(header.schema)})`,
  )
  return (
    `, where source record is = SourceRecord{sourcePartition=${mapText(record.sourcePartition)}, sourceOffset=${mapText(record.sourceOffset)}} ` +
    `ConnectRecord{topic='${topic}', kafkaPartition=${partition}, key=${valueText(keySchema, key)}, keySchema=${schemaText(keySchema)}, ` +
    `value=${valueText(valueSchema, value)}, valueSchema=${schemaText(valueSchema)}, timestamp=${timestamp}, ` +
    `headers=ConnectHeaders(headers=${headers.length === 0 ? '' : `[${shownHeaders.join(', ')}]`})}`
  )
}

function mapText(map: SourceRecord['sourcePartition'] | SourceRecord['sourceOffset']): string {
  return `{${Object.entries(map)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')}}`
}

function schemaText(schema: Schema | null): string {
  if (schema === null) return 'null'
  return schema.name === null ? `Schema{${schema.type}}` : `Schema{${schema.name}:${schema.type}}`
}

/** Bytes have no text. */
function valueText(schema: Schema | null, value: ConnectValue): string {
  try {
    return javaText(schema, value)
  } catch {
    return '[bytes]'
  }
}
