import { oneOf, oneOfIgnoringCase, type ConfigDef, type ConfigKey, type ParsedConfig } from 'penstock/api'

import { avroConfigDef } from '../avro/avro-config-def.ts'
import { plugin as json } from '../json-converter.ts'
import { validMetadataSource } from './metadata-source.ts'

const ofEvents = {
  'serializer.type': {
    type: 'STRING',
    defaultValue: 'json',
    importance: 'HIGH',
    doc: 'The format of events: `json` or `avro`.',
    validator: oneOfIgnoringCase('json', 'avro'),
  },
  'data.serializer.type': {
    type: 'STRING',
    defaultValue: 'json',
    importance: 'HIGH',
    doc: 'The format of the attribute `data`: `json`, or `avro`, which events in Avro need.',
    validator: oneOfIgnoringCase('json', 'avro'),
  },
  'opentelemetry.tracing.attributes.enable': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'HIGH',
    doc: 'Whether events have the attribute `traceparent`, from the header of that name.',
  },
  'extension.attributes.enable': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'HIGH',
    doc: 'Whether events have the operation, the fields of the source and those of the transaction as extension attributes: `iodebeziumop`, `iodebeziumlsn`, `iodebeziumtxid`.',
  },
  'schema.name.adjustment.mode': {
    type: 'STRING',
    defaultValue: 'avro',
    importance: 'LOW',
    doc: 'How the name of the schema of events is made valid in Avro: `none`, `avro` (invalid characters become underscores) or `avro_unicode` (they become `_uXXXX`).',
    validator: oneOf('none', 'avro', 'avro_unicode'),
  },
  'schema.cloudevents.name': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The name of the schema of events. By default the names of the connector and of the database, and `CloudEvents.Envelope`.',
  },
  'schema.data.name.source.header.enable': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether the name of the schema of `data` may be that of the header `dataSchemaName`, as `metadata.source` says.',
  },
  'metadata.source': {
    type: 'LIST',
    defaultValue: ['value', 'id:generate', 'type:generate', 'traceparent:header', 'dataSchemaName:generate'],
    importance: 'HIGH',
    doc: 'Where the attributes of events are from: `value` (the change event) or `header` (headers `source`, `op` and `transaction`, which JsonConverter with schemas has written), and after it, for `id`, `type`, `traceparent` and `dataSchemaName`, `field:header` or `field:generate`.',
    validator: validMetadataSource,
  },
} as const satisfies ConfigDef

const { 'schema.content': _, ...jsonConfigDef } = json.configDef
const withoutUrl: ConfigKey = {
  type: 'LIST',
  defaultValue: null,
  importance: 'HIGH',
  doc: `${avroConfigDef['schema.registry.url'].doc} Needed for Avro.`,
}
const idOfData = 'the attribute dataschema has the id that is at the start of the data'
const idSerializers = ['key.schema.id.serializer', 'value.schema.id.serializer'] as const

/** The settings of the converter of CloudEvents; those of the converters that it uses have their prefixes. */
export const cloudEventsConfigDef: ConfigDef = {
  ...ofEvents,
  ...prefixed('json.', jsonConfigDef),
  ...prefixed('avro.', {
    ...avroConfigDef,
    'schema.registry.url': withoutUrl,
    ...Object.fromEntries(idSerializers.map((key) => [key, { ...avroConfigDef[key], unsupported: idOfData }])),
  }),
}

/** Returns the settings that have the prefix, without it. */
export function subset(config: ParsedConfig, prefix: string): ParsedConfig {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  )
}

function prefixed(prefix: string, def: ConfigDef): ConfigDef {
  return Object.fromEntries(Object.entries(def).map(([key, definition]) => [`${prefix}${key}`, definition]))
}
