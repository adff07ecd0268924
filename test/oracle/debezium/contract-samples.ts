import type { ConnectRecord, RawConfig } from 'penstock/api'

import { recordFrom } from '../oracle-json.ts'
import { debeziumStages } from './all-cases.ts'
import { events } from './events.ts'

/** Settings with which each transform of Debezium accepts the {@link debeziumRecords}. */
const configs: Readonly<Record<string, RawConfig>> = {
  ExtractNewRecordState: {
    'delete.tombstone.handling.mode': 'rewrite',
    'add.fields': 'op,source.db',
    'add.headers': 'op',
  },
  ExtractChangedRecordState: { 'header.changed.name': 'changed', 'header.unchanged.name': 'unchanged' },
  HeaderToValue: { headers: 'h', fields: 'header', operation: 'move' },
  TimezoneConverter: { 'converted.timezone': 'Europe/Berlin' },
  SchemaChangeEventFilter: { 'schema.change.event.exclude.list': 'ALTER' },
  'timescaledb.TimescaleDb': { 'database.hostname': 'db', 'database.user': 'reader', 'database.dbname': 'shop' },
  DecodeLogicalDecodingMessageContent: { 'fields.null.include': 'true' },
  'outbox.EventRouter': {
    'table.field.event.key': 'id',
    'table.field.event.payload': '__proto__',
    'table.expand.json.payload': 'true',
    'table.fields.additional.placement': 'big:header:key,ratio:envelope',
    'route.by.field': '__proto__',
  },
  ByLogicalTableRouter: { 'topic.regex': 's\\.(.*)', 'topic.replacement': '$1' },
  Filter: { language: 'jsr223.groovy', condition: "value.op != 'x'", 'topic.regex': 's\\.public\\..*' },
  ContentBasedRouter: {
    language: 'jsr223.graal.js',
    'topic.expression': "value.op === 'u' ? `${topic}.updates` : null",
  },
  'partitions.PartitionRouting': {
    'partition.payload.fields': 'change.name,op',
    'partition.topic.num': '5',
    'partition.hash.function': 'murmur',
  },
}

/** The transforms of Debezium, each with settings. */
export const debeziumContracts = debeziumStages.map((stage) => {
  const config = configs[stage.className.replace(/^io\.debezium\.(?:connector\.postgresql\.)?transforms\./, '')]
  if (config === undefined) throw new RangeError(`no settings for ${stage.className}`)
  return { stage, config }
})

/** Records that all transforms of Debezium accept. */
export const debeziumRecords: readonly ConnectRecord[] = Object.entries(events)
  .filter(([name]) => ['create', 'read', 'update', 'delete', 'tombstone', 'heartbeat'].includes(name))
  .map(([, event]) => recordFrom(event))
