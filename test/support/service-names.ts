/** The real servers and tools that a suite can need. */
export const serviceNames = [
  'postgres',
  'elasticsearch',
  'minio',
  'versitygw',
  'kafka',
  'apicurio',
  'kcat',
  'psql',
  'promtool',
  'bao',
  'fastavro',
  'moto_server',
  'parquet_readers',
  'confluent_kafka',
  'confluent_schemaregistry',
  'chromium',
] as const
export type ServiceName = (typeof serviceNames)[number]

/** What the run has: an address (of a tool: the path of the program), or why there is none. */
export type Service = { readonly address: string } | { readonly missing: string }
export type Services = Readonly<Partial<Record<ServiceName, Service>>>

/** The variable that names a server that already runs. An S3 store's URL carries its keys as user and password. */
export const serviceVariables: Readonly<Record<ServiceName, string>> = {
  postgres: 'TEST_POSTGRES_URL',
  elasticsearch: 'TEST_ELASTICSEARCH_URL',
  minio: 'TEST_S3_URL',
  versitygw: 'TEST_VERSITYGW_URL',
  kafka: 'TEST_KAFKA_BOOTSTRAP',
  apicurio: 'TEST_APICURIO_URL',
  kcat: 'TEST_KCAT',
  psql: 'TEST_PSQL',
  promtool: 'TEST_PROMTOOL',
  bao: 'TEST_BAO',
  fastavro: 'TEST_FASTAVRO',
  moto_server: 'TEST_MOTO_SERVER',
  parquet_readers: 'TEST_PARQUET_READERS',
  confluent_kafka: 'TEST_CONFLUENT_KAFKA',
  confluent_schemaregistry: 'TEST_CONFLUENT_SCHEMAREGISTRY',
  chromium: 'TEST_CHROMIUM',
}

declare module 'vitest' {
  interface ProvidedContext {
    services: Services
  }
}
