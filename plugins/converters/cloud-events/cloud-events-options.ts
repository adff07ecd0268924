import { ConfigError, type ParsedConfig } from 'penstock/api'

import { parseMetadataSource, type MetadataSource } from './metadata-source.ts'

type Serializer = 'json' | 'avro'

/** The settings of the converter itself. */
export interface CloudEventsOptions {
  readonly events: Serializer
  readonly data: Serializer
  /** Whether `data` in JSON is an envelope of schema and payload. */
  readonly dataSchemas: boolean
  readonly tracing: boolean
  readonly extensions: boolean
  /** Makes the name of a schema valid. */
  readonly adjustName: (name: string) => string
  /** Of the schema of events; null: of each connector its own. */
  readonly schemaName: string | null
  readonly metadata: MetadataSource
  /** Of the registry, as its URLs are in events: without credentials (I8). */
  readonly registryUrl: string
}

/** @throws ConfigError for settings that exclude each other */
export function cloudEventsOptions(config: ParsedConfig): CloudEventsOptions {
  const events = serializerOf(config['serializer.type'])
  const data = serializerOf(config['data.serializer.type'])
  if (events === 'avro' && data === 'json')
    throw new ConfigError('Cannot use JSON data within Avro events: set data.serializer.type=avro', {
      key: 'data.serializer.type',
    })
  const urls = config['avro.schema.registry.url']
  const registryUrl = Array.isArray(urls) ? urls.join(',').replace(/\/\/[^/,@]*@/g, '//') : ''
  if (data === 'avro' && registryUrl === '')
    throw new ConfigError('Need the URL of a schema registry for CloudEvents with Avro: set avro.schema.registry.url', {
      key: 'avro.schema.registry.url',
    })
  const tracing = config['opentelemetry.tracing.attributes.enable'] === true
  const name = config['schema.cloudevents.name'] ?? null
  return {
    events,
    data,
    dataSchemas: config['json.schemas.enable'] === true,
    tracing,
    extensions: config['extension.attributes.enable'] === true,
    adjustName: (full) => adjusted(full, String(config['schema.name.adjustment.mode'])),
    schemaName: name === null ? null : String(name),
    metadata: metadataOf(config, tracing),
    registryUrl,
  }
}

/** Tracing and names from headers have to be enabled as well, as in Debezium. */
function metadataOf(config: ParsedConfig, tracing: boolean): MetadataSource {
  const items = config['metadata.source']
  const source = parseMetadataSource(Array.isArray(items) ? (items as readonly string[]) : [])
  if (typeof source === 'string') throw new ConfigError(`metadata.source: ${source}`, { key: 'metadata.source' })
  const { traceparent, dataSchemaName } = source
  const named = config['schema.data.name.source.header.enable'] === true
  return {
    ...source,
    traceparent: traceparent === 'header' && !tracing ? 'generate' : traceparent,
    dataSchemaName: dataSchemaName === 'header' && !named ? 'generate' : dataSchemaName,
  }
}

function serializerOf(value: ParsedConfig[string] | undefined): Serializer {
  return String(value).toLowerCase() === 'avro' ? 'avro' : 'json'
}

/** As Debezium's `SchemaNameAdjuster`: a first digit stays after an underscore. */
function adjusted(name: string, mode: string): string {
  if (mode === 'none') return name
  const isUnicode = mode === 'avro_unicode'
  const valid = isUnicode ? /[A-Za-z0-9.]/ : /[A-Za-z0-9_.]/
  const validFirst = isUnicode ? /[A-Za-z]/ : /[A-Za-z_]/
  return name
    .split('')
    .map((unit, i) => {
      if ((i === 0 ? validFirst : valid).test(unit)) return unit
      if (isUnicode) return `_u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
      return i === 0 && /\d/.test(unit) ? `_${unit}` : '_'
    })
    .join('')
}
