import { fileConnectorsName } from './built-in-plugins.ts'
import { simpleName } from './plugin-alias.ts'

const kafkaTransforms = 'org.apache.kafka.connect.transforms'
const confluentTransforms = 'io.confluent.connect.transforms'
const debeziumTransforms = 'io.debezium.transforms'

const transformInstead = 'transform the records in the target system, or in a stream processor'
const otherSchemas =
  'use io.confluent.connect.avro.AvroConverter, io.confluent.connect.json.JsonSchemaConverter, io.confluent.connect.protobuf.ProtobufConverter or org.apache.kafka.connect.json.JsonConverter'
const fileConnectorsAdvice = `it reads and writes any file that the worker's user may access; enable it with plugin.path=${fileConnectorsName}`
const otherSource = 'the only source for databases is io.debezium.connector.postgresql.PostgresConnector'

function each(prefix: string, names: readonly string[], reason: string): readonly (readonly [string, string])[] {
  return names.map((name) => [`${prefix}.${name}`, reason])
}

/** Common classes of Kafka Connect, Debezium and Confluent that are not available, with advice. */
const unbuilt: ReadonlyMap<string, string> = new Map([
  [`${confluentTransforms}.Filter$Key`, `use ${kafkaTransforms}.Filter with a predicate`],
  [`${confluentTransforms}.Filter$Value`, `use ${kafkaTransforms}.Filter with a predicate`],
  ['io.apicurio.registry.utils.converter.AvroConverter', otherSchemas],
  [`${debeziumTransforms}.VectorToJsonConverter`, transformInstead],
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
  ['io.confluent.connect.jdbc.JdbcSinkConnector', 'there is no sink for databases'],
  ['io.debezium.connector.jdbc.JdbcSinkConnector', 'there is no sink for databases'],
])

/** Returns the full name of a known class that is not available, with advice; null for an unknown class. */
export function unbuiltClass(name: string): { readonly className: string; readonly advice: string } | null {
  for (const [className, advice] of unbuilt) {
    const simple = className.includes('$') ? className : simpleName(className)
    const isMeant = [className, simple, simple.replace(/Connector$/, '')].includes(name)
    if (isMeant) return { className, advice }
  }
  return null
}
