/** Where the three connectors of a pipeline read and write, and under which names. */
export interface PipelinePlan {
  /** The source's database: `postgres://user:password@host:port/name`. */
  readonly database: string
  /** Tables of schema `public`. */
  readonly tables: readonly string[]
  /** Prefix of the topics. */
  readonly prefix: string
  /** Name of slot and publication. */
  readonly slot: string
  readonly elasticsearch: string
  /** The S3 store's URL with its keys as user and password. */
  readonly store: string
  readonly bucket: string
  /** Settings over those of each connector. */
  readonly source?: Readonly<Record<string, string>>
  readonly search?: Readonly<Record<string, string>>
  readonly archive?: Readonly<Record<string, string>>
}

export function topicOf(plan: Pick<PipelinePlan, 'prefix'>, table: string): string {
  return `${plan.prefix}.public.${table}`
}

/** The configs of a Postgres source, an Elasticsearch sink and an S3 sink over the tables of a plan, by connector name. */
export function pipelineConnectors(plan: PipelinePlan): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const topics = plan.tables.map((table) => topicOf(plan, table)).join(',')
  const store = new URL(plan.store)
  return {
    source: sourceConfig(plan),
    search: {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics,
      'connection.url': plan.elasticsearch,
      ...plan.search,
    },
    archive: {
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics,
      's3.bucket.name': plan.bucket,
      's3.region': 'us-east-1',
      'store.url': store.origin,
      'aws.access.key.id': store.username,
      'aws.secret.access.key': store.password,
      'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      's3.compression.type': 'gzip',
      'flush.size': '20000',
      // A deleted row leaves a tombstone behind its last change, and a tombstone is no line.
      'behavior.on.null.values': 'ignore',
      timezone: 'UTC',
      ...plan.archive,
    },
  }
}

/** The config of the source alone. */
export function sourceConfig(
  plan: Pick<PipelinePlan, 'database' | 'tables' | 'prefix' | 'slot' | 'source'>,
): Record<string, string> {
  const database = new URL(plan.database)
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': database.hostname,
    'database.port': database.port,
    'database.user': decodeURIComponent(database.username),
    'database.password': decodeURIComponent(database.password),
    'database.dbname': database.pathname.slice(1),
    'topic.prefix': plan.prefix,
    'plugin.name': 'pgoutput',
    'slot.name': plan.slot,
    'publication.name': plan.slot,
    'publication.autocreate.mode': 'filtered',
    'table.include.list': plan.tables.map((table) => `public.${table}`).join(','),
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
    ...plan.source,
  }
}
