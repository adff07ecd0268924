import type { PluginDescriptor, PluginKind } from './plugin-descriptor.ts'

/** The fields of a descriptor; `module` is a path below the package's root, without extension. */
type Row = readonly [
  kind: PluginKind,
  className: string,
  version: string,
  module: string,
  exportName?: string,
  aliases?: readonly string[],
]

// A table, because importing all modules to read these fields would cost more memory than a worker may use.
const rows: readonly Row[] = [
  [
    'sink',
    'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
    '0.1.0',
    'connectors/elasticsearch-sink/index',
  ],
  ['sink', 'io.confluent.connect.s3.S3SinkConnector', '0.1.0', 'connectors/s3-sink/index'],
  ['source', 'io.confluent.connect.s3.source.S3SourceConnector', '0.1.0', 'connectors/s3-source/index'],
  ['source', 'io.debezium.connector.postgresql.PostgresConnector', '0.1.0', 'connectors/postgres-source/index'],
  debezium('ExtractNewRecordState', 'plugins/transforms/debezium/extract-new-record-state'),
  debezium('outbox.EventRouter', 'plugins/transforms/debezium/outbox/event-router'),
  debezium('ExtractChangedRecordState', 'plugins/transforms/debezium/values/extract-changed-record-state'),
  debezium('HeaderToValue', 'plugins/transforms/debezium/values/header-to-value'),
  debezium('SchemaChangeEventFilter', 'plugins/transforms/debezium/values/schema-change-event-filter'),
  [
    'transformation',
    'io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent',
    '3.2.3.Final',
    'plugins/transforms/debezium/outbox/decode-message-content',
  ],
  [
    'transformation',
    'io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb',
    '3.2.3.Final',
    'connectors/postgres-source/timescaledb/timescaledb',
  ],
  debezium('TimezoneConverter', 'plugins/transforms/debezium/values/timezone-converter'),
  debezium('ByLogicalTableRouter', 'plugins/transforms/debezium/routing/by-logical-table-router'),
  debezium('ContentBasedRouter', 'plugins/transforms/debezium/scripting/content-based-router'),
  debezium('Filter', 'plugins/transforms/debezium/scripting/filter'),
  debezium('partitions.PartitionRouting', 'plugins/transforms/debezium/routing/partition-routing'),
  confluent('Drop$Key', 'plugins/transforms/confluent/drop', 'keyPlugin'),
  confluent('Drop$Value', 'plugins/transforms/confluent/drop', 'valuePlugin'),
  confluent('ExtractTopic$Header', 'plugins/transforms/confluent/extract-topic', 'headerPlugin'),
  confluent('ExtractTopic$Key', 'plugins/transforms/confluent/extract-topic', 'keyPlugin'),
  confluent('ExtractTopic$Value', 'plugins/transforms/confluent/extract-topic', 'valuePlugin'),
  confluent('MessageTimestampRouter', 'plugins/transforms/confluent/message-timestamp-router'),
  confluent('TombstoneHandler', 'plugins/transforms/confluent/tombstone-handler'),
  ...halves('Cast', 'plugins/transforms/fields/cast'),
  whole('DropHeaders', 'plugins/transforms/headers/drop-headers'),
  ...halves('ExtractField', 'plugins/transforms/fields/extract-field'),
  whole('Filter', 'plugins/transforms/routing/filter'),
  ...halves('Flatten', 'plugins/transforms/fields/flatten'),
  ...halves('HeaderFrom', 'plugins/transforms/headers/header-from'),
  ...halves('HoistField', 'plugins/transforms/fields/hoist-field'),
  ...halves('InsertField', 'plugins/transforms/fields/insert-field'),
  whole('InsertHeader', 'plugins/transforms/headers/insert-header'),
  ...halves('MaskField', 'plugins/transforms/fields/mask-field'),
  whole('RegexRouter', 'plugins/transforms/routing/regex-router'),
  ...halves('ReplaceField', 'plugins/transforms/fields/replace-field'),
  ...halves('SetSchemaMetadata', 'plugins/transforms/fields/set-schema-metadata'),
  ...halves('TimestampConverter', 'plugins/transforms/fields/timestamp-converter'),
  whole('TimestampRouter', 'plugins/transforms/routing/timestamp-router'),
  whole('ValueToKey', 'plugins/transforms/fields/value-to-key'),
  [
    'predicate',
    'org.apache.kafka.connect.transforms.predicates.HasHeaderKey',
    '3.9.1',
    'plugins/predicates/has-header-key',
  ],
  [
    'predicate',
    'org.apache.kafka.connect.transforms.predicates.RecordIsTombstone',
    '3.9.1',
    'plugins/predicates/record-is-tombstone',
  ],
  [
    'predicate',
    'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
    '3.9.1',
    'plugins/predicates/topic-name-matches',
  ],
  ['converter', 'io.confluent.connect.avro.AvroConverter', '0.1.0', 'plugins/converters/avro-converter'],
  [
    'converter',
    'io.debezium.converters.CloudEventsConverter',
    '3.2.3.Final',
    'plugins/converters/cloud-events/cloud-events-converter',
  ],
  ['converter', 'io.confluent.connect.json.JsonSchemaConverter', '0.1.0', 'plugins/converters/json-schema-converter'],
  ['converter', 'io.confluent.connect.protobuf.ProtobufConverter', '0.1.0', 'plugins/converters/protobuf-converter'],
  [
    'converter',
    'org.apache.kafka.connect.converters.ByteArrayConverter',
    '3.9.1',
    'plugins/converters/byte-array-converter',
  ],
  ...primitiveConverters('converter', 'Plugin'),
  ['converter', 'org.apache.kafka.connect.json.JsonConverter', '3.9.1', 'plugins/converters/json-converter'],
  ['converter', 'org.apache.kafka.connect.storage.StringConverter', '3.9.1', 'plugins/converters/string-converter'],
  [
    'header_converter',
    'org.apache.kafka.connect.converters.ByteArrayConverter',
    '3.9.1',
    'plugins/converters/byte-array-converter',
    'headerPlugin',
  ],
  ...primitiveConverters('header_converter', 'HeaderPlugin'),
  [
    'header_converter',
    'org.apache.kafka.connect.json.JsonConverter',
    '3.9.1',
    'plugins/converters/json-converter',
    'headerPlugin',
  ],
  [
    'header_converter',
    'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    '3.9.1',
    'plugins/converters/simple-header-converter',
  ],
  [
    'header_converter',
    'org.apache.kafka.connect.storage.StringConverter',
    '3.9.1',
    'plugins/converters/string-converter',
    'headerPlugin',
  ],
  [
    'configprovider',
    'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
    '3.9.1',
    'plugins/config-providers/directory-config-provider',
  ],
  [
    'configprovider',
    'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    '3.9.1',
    'plugins/config-providers/env-var-config-provider',
  ],
  [
    'configprovider',
    'org.apache.kafka.common.config.provider.FileConfigProvider',
    '3.9.1',
    'plugins/config-providers/file-config-provider',
  ],
  [
    'configprovider',
    'io.lenses.connect.secrets.providers.AWSSecretProvider',
    '0.1.0',
    'plugins/config-providers/aws-secret-provider',
  ],
  [
    'configprovider',
    'io.lenses.connect.secrets.providers.VaultSecretProvider',
    '0.1.0',
    'plugins/config-providers/vault-secret-provider',
  ],
]

const fileRows: readonly Row[] = [
  ['sink', 'org.apache.kafka.connect.file.FileStreamSinkConnector', '3.9.1', 'connectors/file-sink/index'],
  ['source', 'org.apache.kafka.connect.file.FileStreamSourceConnector', '3.9.1', 'connectors/file-source/index'],
]

/** A transform of Kafka Connect. */
function whole(name: string, module: string, exportName = 'plugin'): Row {
  return ['transformation', `org.apache.kafka.connect.transforms.${name}`, '3.9.1', module, exportName]
}

function primitiveConverters(kind: 'converter' | 'header_converter', exported: string): readonly Row[] {
  return ['Boolean', 'Double', 'Float', 'Integer', 'Long', 'Short'].map((name) => [
    kind,
    `org.apache.kafka.connect.converters.${name}Converter`,
    '3.9.1',
    'plugins/converters/primitive-converters',
    name.toLowerCase() + exported,
  ])
}

/** A transform of Confluent. */
function confluent(name: string, module: string, exportName = 'plugin'): Row {
  return ['transformation', `io.confluent.connect.transforms.${name}`, '0.1.0', module, exportName]
}

/** A transform of Debezium. */
function debezium(name: string, module: string): Row {
  return ['transformation', `io.debezium.transforms.${name}`, '3.2.3.Final', module]
}

/** A transform of Kafka Connect that has a class for keys and one for values. */
function halves(name: string, module: string): readonly Row[] {
  return [whole(`${name}$Key`, module, 'keyPlugin'), whole(`${name}$Value`, module, 'valuePlugin')]
}

// `.ts` in the source tree, `.js` in a build.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

function descriptor([kind, className, version, module, exportName = 'plugin', aliases = []]: Row): PluginDescriptor {
  const url = new URL(`../../${module}${extension}`, import.meta.url).href
  return { kind, className, aliases, version, module: url, exportName, location: null }
}

/** The plugins that are part of Penstock and always available. */
export const builtInPlugins: readonly PluginDescriptor[] = rows.map(descriptor)

/**
 * The file connectors, which read and write any file that the worker's user may access. They are part of Penstock, but available
 * only if `plugin.path` lists `connect-file`, as in Kafka since 3.1.1
 * ([KAFKA-13748](https://issues.apache.org/jira/browse/KAFKA-13748)).
 */
export const fileConnectors: readonly PluginDescriptor[] = fileRows.map(descriptor)

/** The name in `plugin.path` that adds the {@link fileConnectors}. */
export const fileConnectorsName = 'connect-file'
