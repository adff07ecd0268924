import { fileConnectorsName } from './built-in-plugins.ts'
import { simpleName } from './plugin-alias.ts'

const kafkaTransforms = 'org.apache.kafka.connect.transforms'
const kafkaConverters = 'org.apache.kafka.connect.converters'
const debeziumTransforms = 'io.debezium.transforms'

const transformInstead = 'transform the records behind the sink, or where they are read'
const schemaRegistry = 'no schema registry is spoken to; use org.apache.kafka.connect.json.JsonConverter'
const script = 'scripts cannot be run'
const fileConnectorsAdvice = `it reads and writes any file that the user of the worker may; ask for it by plugin.path=${fileConnectorsName}`
const otherSource = 'the only databases that are read are those of io.debezium.connector.postgresql.PostgresConnector'

function each(prefix: string, names: readonly string[], reason: string): readonly (readonly [string, string])[] {
  return names.map((name) => [`${prefix}.${name}`, reason])
}

/** Classes of Kafka Connect, Debezium and Confluent that configs often name and that are not built, with what to do instead. */
const unbuilt: ReadonlyMap<string, string> = new Map([
  ...each(
    kafkaTransforms,
    ['Cast', 'ExtractField', 'Flatten', 'HeaderFrom', 'HoistField', 'InsertField', 'MaskField'].flatMap(bothHalves),
    transformInstead,
  ),
  ...each(
    kafkaTransforms,
    ['ReplaceField', 'SetSchemaMetadata', 'TimestampConverter'].flatMap(bothHalves),
    transformInstead,
  ),
  ...each(
    kafkaTransforms,
    ['DropHeaders', 'Filter', 'InsertHeader', 'TimestampRouter', 'ValueToKey'],
    transformInstead,
  ),
  ...each(
    kafkaConverters,
    ['BooleanConverter', 'DoubleConverter', 'FloatConverter', 'IntegerConverter', 'LongConverter', 'ShortConverter'],
    'use StringConverter or JsonConverter',
  ),
  ['io.confluent.connect.avro.AvroConverter', schemaRegistry],
  ['io.confluent.connect.protobuf.ProtobufConverter', schemaRegistry],
  ['io.confluent.connect.json.JsonSchemaConverter', schemaRegistry],
  ['io.apicurio.registry.utils.converter.AvroConverter', schemaRegistry],
  [
    `${debeziumTransforms}.outbox.EventRouter`,
    'write the outbox table to its topic, and route its records with io.debezium.transforms.ExtractNewRecordState and route.by.field',
  ],
  ...each(
    debeziumTransforms,
    ['ByLogicalTableRouter', 'ExtractChangedRecordState', 'HeaderToValue', 'SchemaChangeEventFilter'],
    transformInstead,
  ),
  ...each(
    debeziumTransforms,
    ['partitions.PartitionRouting', 'TimezoneConverter', 'VectorToJsonConverter'],
    transformInstead,
  ),
  ...each(debeziumTransforms, ['ContentBasedRouter', 'Filter'], script),
  [
    'io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent',
    'decode the content of logical messages where they are read',
  ],
  ['io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb', transformInstead],
  ...each(
    'org.apache.kafka.connect.file',
    ['FileStreamSourceConnector', 'FileStreamSinkConnector'],
    fileConnectorsAdvice,
  ),
  ...each(
    'io.debezium.connector',
    ['mysql.MySqlConnector', 'mariadb.MariaDbConnector', 'mongodb.MongoDbConnector', 'oracle.OracleConnector'],
    otherSource,
  ),
  ...each('io.debezium.connector', ['sqlserver.SqlServerConnector', 'db2.Db2Connector'], otherSource),
  ['io.confluent.connect.jdbc.JdbcSourceConnector', otherSource],
  ['io.confluent.connect.jdbc.JdbcSinkConnector', 'rows cannot be written to databases'],
  ['io.debezium.connector.jdbc.JdbcSinkConnector', 'rows cannot be written to databases'],
])

function bothHalves(name: string): readonly string[] {
  return [`${name}$Key`, `${name}$Value`]
}

/** The full name of a class that is known and not available, and what to do instead; null for one that nobody knows. */
export function unbuiltClass(name: string): { readonly className: string; readonly advice: string } | null {
  for (const [className, advice] of unbuilt) {
    const simple = className.includes('$') ? className : simpleName(className)
    const isMeant = [className, simple, simple.replace(/Connector$/, '')].includes(name)
    if (isMeant) return { className, advice }
  }
  return null
}
