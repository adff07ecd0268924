import { bucket, indices as topics, publicationName, slotName, tables, topicPrefix } from './names.ts'

/** A connector's config for REST. */
export type ConnectorConfig = Readonly<Record<string, string>>

const json: ConnectorConfig = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
}

/** Debezium's options: the changes of each table go to a topic. */
export function sourceConfig(database: string): ConnectorConfig {
  const url = new URL(database)
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': url.hostname,
    'database.port': url.port || '5432',
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': url.pathname.slice(1),
    'topic.prefix': topicPrefix,
    'table.include.list': tables.map((table) => `public.${table}`).join(','),
    'plugin.name': 'pgoutput',
    'slot.name': slotName,
    'publication.name': publicationName,
    'publication.autocreate.mode': 'filtered',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'isostring',
    ...json,
  }
}

/** Confluent's options: each row is a document, with its key as id. */
export function searchConfig(url: string): ConnectorConfig {
  const { username, password, origin } = new URL(url)
  return {
    'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
    topics,
    'connection.url': origin,
    ...(username === '' ? {} : { 'connection.username': username, 'connection.password': password }),
    'key.ignore': 'false',
    'schema.ignore': 'true',
    'behavior.on.null.values': 'delete',
    ...json,
  }
}

/** Confluent's options: each change is a line in a compressed object. */
export function archiveConfig(url: string): ConnectorConfig {
  const { username, password, origin } = new URL(url)
  return {
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    topics,
    's3.bucket.name': bucket,
    's3.region': 'us-east-1',
    'store.url': origin,
    'aws.access.key.id': username,
    'aws.secret.access.key': password,
    'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    's3.compression.type': 'gzip',
    'flush.size': '10000',
    'rotate.schedule.interval.ms': '10000',
    timezone: 'UTC',
    ...json,
  }
}
