import type { ConfigDef, ConnectorPlugin, ParsedConfig, RawConfig } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { plugin as elasticsearch } from '../../../connectors/elasticsearch-sink/index.ts'
import { settingsOf as elasticsearchSettings } from '../../../connectors/elasticsearch-sink/config/settings.ts'
import { plugin as postgres } from '../../../connectors/postgres-source/index.ts'
import { settingsOf as postgresSettings } from '../../../connectors/postgres-source/config/source-settings.ts'
import { plugin as s3 } from '../../../connectors/s3-sink/index.ts'
import { partitioners } from '../../../connectors/s3-sink/config/partitioner-options.ts'
import { settingsOf as s3Settings } from '../../../connectors/s3-sink/config/settings.ts'
import { plugin as s3Source } from '../../../connectors/s3-source/index.ts'
import { settingsOf as s3SourceSettings } from '../../../connectors/s3-source/config/settings.ts'
import { checkConfig } from '../../../src/config/definition/parse-config.ts'

interface Subject {
  readonly plugin: ConnectorPlugin
  readonly base: RawConfig
  readonly settings: (config: ParsedConfig, raw: RawConfig) => unknown
  /** A value that is not the default, with what it needs beside it; for options whose type says too little. */
  readonly other: Readonly<Record<string, string | { readonly value: string; readonly beside: RawConfig }>>
  /** Options that only validation reads, in check-config. */
  readonly checked: readonly string[]
}

const avroObjects = { 'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat' }
const reportedNulls = { 'errors.tolerance': 'all', 'behavior.on.null.values': 'ignore' }
const byHour = { 'partitioner.class': partitioners.hour, timezone: 'UTC' }
const byTime = {
  'partitioner.class': partitioners.time,
  timezone: 'UTC',
  'path.format': 'YYYY/MM',
  'partition.duration.ms': '60000',
}
const byteObjects = { 'format.class': 'io.confluent.connect.s3.format.bytearray.ByteArrayFormat' }

const role = {
  's3.credentials.provider.class': 'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider',
  's3.credentials.provider.sts.role.arn': 'arn:aws:iam::1:role/r',
}
const proxy = { 's3.proxy.url': 'http://p:3128' }
/** Of the connectors of S3. */
const storeOptions: Subject['other'] = {
  's3.credentials.provider.sts.role.arn': { value: 'arn:aws:iam::1:role/s', beside: role },
  's3.credentials.provider.sts.role.session.name': { value: 'other', beside: role },
  's3.credentials.provider.sts.role.external.id': { value: 'e', beside: role },
  's3.credentials.provider.sts.region': { value: 'eu-west-1', beside: role },
  's3.credentials.provider.sts.endpoint': { value: 'http://sts', beside: role },
  's3.proxy.url': 'http://p:3128',
  's3.proxy.user': { value: 'u', beside: proxy },
  's3.proxy.password': { value: 's', beside: { ...proxy, 's3.proxy.user': 'u' } },
}

const subjects: readonly Subject[] = [
  {
    plugin: postgres,
    base: { 'database.hostname': 'h', 'database.user': 'u', 'database.dbname': 'd', 'topic.prefix': 't' },
    settings: postgresSettings,
    other: {
      'database.sslmode': 'require',
      'table.exclude.list': 'other.other',
      'column.exclude.list': 'other.other.other',
      'slot.name': 'other',
      'publication.autocreate.mode': 'filtered',
      'skipped.operations': 'u',
      'snapshot.mode': 'always',
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'connect',
      'hstore.handling.mode': 'map',
      'interval.handling.mode': 'string',
      'binary.handling.mode': 'hex',
      'event.converting.failure.handling.mode': 'fail',
      'schema.name.adjustment.mode': 'avro',
      'field.name.adjustment.mode': 'avro',
      'topic.delimiter': '_',
      'message.key.columns': 'public.t:id',
      'max.queue.size': '77',
    },
    checked: [],
  },
  {
    plugin: elasticsearch,
    base: { 'connection.url': 'http://h:1' },
    settings: elasticsearchSettings,
    other: {
      'connection.url': 'http://h:2',
      'document.version': 'none',
      'document.values': 'raw',
      'document.envelope': 'keep',
      'behavior.on.null.values': 'fail',
      'behavior.on.malformed.documents': 'warn',
      'behavior.on.version.conflict': 'warn',
      'write.method': 'upsert',
      'topic.key.ignore': 'x',
      'topic.schema.ignore': 'x',
      'index.definition': '{"settings":{"number_of_shards":2}}',
      'data.stream.type': { value: 'logs', beside: { 'data.stream.dataset': 'd' } },
      'data.stream.dataset': { value: 'other', beside: { 'data.stream.type': 'logs' } },
      'data.stream.namespace': { value: 'n', beside: { 'data.stream.type': 'logs', 'data.stream.dataset': 'd' } },
      'elastic.https.ssl.keystore.type': 'PKCS12',
      'elastic.https.ssl.enabled.protocols': 'TLSv1.3',
      'elastic.https.ssl.protocol': 'TLSv1.2',
      'elastic.https.ssl.endpoint.identification.algorithm': '',
      'proxy.port': { value: '3128', beside: { 'proxy.host': 'p' } },
      'proxy.username': { value: 'u', beside: { 'proxy.host': 'p' } },
      'proxy.password': { value: 's', beside: { 'proxy.host': 'p', 'proxy.username': 'u' } },
      'external.resource.usage': 'index',
      'topic.to.external.resource.mapping': { value: 'x:y', beside: { 'external.resource.usage': 'index' } },
    },
    checked: ['max.external.resource.mappings', 'elastic.security.protocol'],
  },
  {
    plugin: s3,
    base: {
      's3.bucket.name': 'b',
      'flush.size': '3',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    },
    settings: s3Settings,
    other: {
      'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat',
      'avro.codec': { value: 'snappy', beside: avroObjects },
      'enhanced.avro.schema.support': { value: 'false', beside: avroObjects },
      'connect.meta.data': { value: 'false', beside: avroObjects },
      'allow.optional.map.keys': { value: 'true', beside: avroObjects },
      'scrub.invalid.names': { value: 'true', beside: avroObjects },
      'format.bytearray.extension': { value: '.jpg', beside: byteObjects },
      'format.bytearray.separator': { value: ' ', beside: byteObjects },
      'report.null.values.to.dlq': { value: 'false', beside: reportedNulls },
      'rotate.size.bytes': '100',
      'rotate.interval.ms': '100',
      'rotate.schedule.interval.ms': '60000',
      timezone: { value: 'Asia/Kolkata', beside: { 'rotate.schedule.interval.ms': '86400000' } },
      'timestamp.extractor': { value: 'Record', beside: byHour },
      'timestamp.field': { value: 'at', beside: { ...byHour, 'timestamp.extractor': 'RecordField' } },
      'partitioner.class': { value: partitioners.hour, beside: { timezone: 'UTC' } },
      'partition.field.name': { value: 'a', beside: { 'partitioner.class': partitioners.fields } },
      'partition.duration.ms': { value: '1000', beside: byTime },
      'path.format': { value: 'YYYY', beside: byTime },
      locale: { value: 'de', beside: byTime },
      'rotate.file.on.partition.change': { value: 'false', beside: { ...byHour, 'rotate.interval.ms': '1000' } },
      'partitioner.max.open.files': '10',
      's3.schema.partition.affix.type': 'SUFFIX',
      'behavior.on.null.values': 'fail',
      'json.decimal.format': 'NUMERIC',
      'retry.backoff.ms': '7000',
      'store.url': 'http://h:1',
      's3.credentials.provider.class': 'software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider',
      's3.compression.type': 'gzip',
      's3.compression.level': { value: '3', beside: { 's3.compression.type': 'gzip' } },
      's3.checksum.algorithm': 'sha256',
      's3.ssea.name': 'AES256',
      's3.sse.kms.key.id': { value: 'k', beside: { 's3.ssea.name': 'aws:kms' } },
      's3.sse.customer.key': { value: Buffer.alloc(32).toString('base64'), beside: { 's3.ssea.name': 'AES256' } },
      's3.acl.canned': 'private',
      'tombstone.encoded.partition': {
        value: 'deleted',
        beside: { 'store.kafka.keys': 'true', 'behavior.on.null.values': 'write' },
      },
      ...storeOptions,
    },
    checked: [],
  },
  {
    plugin: s3Source,
    base: { 's3.bucket.name': 'b', 'format.class': 'io.confluent.connect.s3.format.json.JsonFormat' },
    settings: s3SourceSettings,
    other: {
      'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat',
      'topic.regex.list': 'orders:a/.*',
      'behavior.on.error': 'ignore',
      'archive.until.offset': { value: '5', beside: { 'archive.manifest': 'true' } },
      'archive.until.timestamp': { value: '5', beside: { 'archive.manifest': 'true' } },
      'retry.backoff.ms': '7000',
      'store.url': 'http://h:1',
      's3.credentials.provider.class': 'software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider',
      's3.sse.customer.key': Buffer.alloc(32).toString('base64'),
      'task.share': '1/2',
      ...storeOptions,
    },
    checked: ['mode'],
  },
]

/** Options that are served, but for those that are taken and named as without effect. */
const served = (def: ConfigDef): string[] =>
  Object.entries(def).flatMap(([key, { unsupported, doc }]) =>
    unsupported === undefined && !doc.startsWith('Accepted') ? [key] : [],
  )

function otherValue(def: ConfigDef, key: string): string {
  const definition = def[key]
  const { type, defaultValue } = definition ?? expect.fail(key)
  if (type === 'BOOLEAN') return String(defaultValue !== true)
  return typeof defaultValue === 'number' || type === 'INT' ? String(Number(defaultValue ?? 5) + 1) : 'other'
}

function answers(ask: (argument: unknown) => unknown): unknown[] {
  return ['x', 1e12].map((argument) => {
    try {
      return ask(argument)
    } catch (error) {
      return String(error)
    }
  })
}

/** All that settings say, functions by what they answer. */
function told(settings: unknown): string {
  return JSON.stringify(settings, (_key, value: unknown) => {
    if (typeof value === 'function') return answers(value as (argument: unknown) => unknown)
    if (value instanceof RegExp || value instanceof URL || typeof value === 'bigint') return String(value)
    if (value instanceof Map || value instanceof Set) return [...value]
    if (typeof value === 'object' && value !== null && 'includesTable' in value) {
      const filter = value as ReturnType<typeof postgresSettings>['filter']
      const tables = ['other', 'public', 'pg_catalog'].map((schema) => ({ schema, name: 'other' }))
      const columns = tables.map((table) => filter.includesColumn(table, 'other'))
      return { tables: tables.map((table) => filter.includesTable(table)), columns }
    }
    return value
  })
}

describe.each(subjects.map((subject) => [subject.plugin.className, subject] as const))('%s', (_name, subject) => {
  const { plugin, base, settings, other, checked } = subject
  const { configDef } = plugin
  const parsed = (raw: RawConfig): { readonly problems: readonly unknown[]; readonly text: string } => {
    const { parsed: config, problems } = checkConfig(configDef, raw)
    return { problems, text: problems.length > 0 ? '' : told(settings(config, raw)) }
  }

  it.each(served(configDef).filter((key) => !checked.includes(key)))(
    'takes %s into account, or refuses every value but one',
    (key) => {
      const entry = other[key] ?? otherValue(configDef, key)
      const { value, beside } = typeof entry === 'string' ? { value: entry, beside: {} } : entry
      const without = parsed({ ...base, ...beside })
      const withIt = parsed({ ...base, ...beside, [key]: value })
      expect(without.problems).toEqual([])
      if (withIt.problems.length > 0) expect(typeof entry === 'string' && other[key] === undefined).toBe(true)
      else expect(withIt.text).not.toBe(without.text)
    },
  )
})
