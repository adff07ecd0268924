import {
  atLeast,
  between,
  oneOf,
  oneOfIgnoringCase,
  type ConfigDef,
  type ConfigKey,
  type ConfigValue,
} from 'penstock/api'

import { acceptedOptions } from './accepted-options.ts'
import { isTimeZone } from '../partition/schedule.ts'

const packageOf = {
  format: 'io.confluent.connect.s3.format',
  partitioner: 'io.confluent.connect.storage.partitioner',
} as const

const jsonFormat = `${packageOf.format}.json.JsonFormat`
const defaultPartitioner = `${packageOf.partitioner}.DefaultPartitioner`

/** Class names of the AWS SDK for Java, of both major versions: the default credentials chain, and its environment part. */
export const credentialProviders = {
  chain: [
    'software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider',
    'com.amazonaws.auth.DefaultAWSCredentialsProviderChain',
  ],
  environment: [
    'software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider',
    'com.amazonaws.auth.EnvironmentVariableCredentialsProvider',
  ],
} as const

const extractorClass = `${packageOf.partitioner}.TimeBasedPartitioner`

/** The names of the sources of a record's time. */
export const extractors = {
  wallclock: ['Wallclock', `${extractorClass}$WallclockTimestampExtractor`],
  record: ['Record', `${extractorClass}$RecordTimestampExtractor`],
} as const

const onlyJson = 'only JSON Lines are supported: io.confluent.connect.s3.format.json.JsonFormat'
const onlyDefault =
  'only the layout by topic and partition is supported: io.confluent.connect.storage.partitioner.DefaultPartitioner'
const onlyValues = 'only values are stored; remove it or set it to false'
const noProjection = 'JSON Lines do not depend on the schema; use NONE'
const notServed = 'it is not supported'

type Rest = Omit<ConfigKey, 'type' | 'importance' | 'doc' | 'defaultValue' | 'group'>

function inGroup(group: string) {
  return function key(
    type: ConfigKey['type'],
    importance: ConfigKey['importance'],
    defaultValue: ConfigValue | undefined,
    doc: string,
    rest: Rest = {},
  ): ConfigKey {
    return { type, importance, doc, group, ...(defaultValue === undefined ? {} : { defaultValue }), ...rest }
  }
}

const connector = inGroup('Connector')
const s3 = inGroup('S3')
const storage = inGroup('Storage')

const otherFormats = {
  [`${packageOf.format}.avro.AvroFormat`]: onlyJson,
  [`${packageOf.format}.parquet.ParquetFormat`]: onlyJson,
  [`${packageOf.format}.bytearray.ByteArrayFormat`]: onlyJson,
}

const timeZone = Object.assign(
  (_key: string, value: ConfigValue): string | null =>
    value === '' || (typeof value === 'string' && isTimeZone(value))
      ? null
      : 'It must be the name of a time zone, such as Europe/Berlin',
  { describe: 'a time zone' },
)

const storeUrl = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    if (value === null || value === '') return null
    const text = String(value)
    if (text.includes('@'))
      return "A URL with a user is not supported; set 'aws.access.key.id' and 'aws.secret.access.key'."
    return /^(?:https?:\/\/)?[^/?#]+\/?$/.test(text) && URL.canParse(text.includes('://') ? text : `https://${text}`)
      ? null
      : 'It must be a URL of scheme, host and port, such as http://127.0.0.1:9000'
  },
  { describe: 'a URL' },
)

const cannedAcls = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'log-delivery-write',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'aws-exec-read',
]

/** The options of Confluent's S3 sink, supported, accepted and rejected ones, and a few of our own. */
export const configDef = {
  'format.class': {
    type: 'CLASS',
    importance: 'HIGH',
    group: 'Connector',
    doc: 'The format of objects: io.confluent.connect.s3.format.json.JsonFormat, one JSON value per line.',
    recommended: [jsonFormat],
    validator: oneOf(jsonFormat),
    unsupportedValues: otherFormats,
  },
  'flush.size': connector('INT', 'HIGH', undefined, 'The number of records of an object, per topic partition.'),
  'rotate.size.bytes': connector(
    'LONG',
    'MEDIUM',
    -1,
    'The number of bytes, before compression, after which an object is complete; -1: no limit.',
    { validator: between(-1, Number.MAX_SAFE_INTEGER) },
  ),
  'rotate.interval.ms': connector(
    'LONG',
    'HIGH',
    -1,
    'The time span of an object: it is complete when a record is this much later than its first one, by timestamp.extractor, and also when this time has passed without such a record; -1: off.',
  ),
  'rotate.schedule.interval.ms': connector(
    'LONG',
    'MEDIUM',
    -1,
    'The interval at which objects are completed at fixed times of the day, counted from midnight in timezone, whether records arrive or not; -1: off.',
  ),
  timezone: connector('STRING', 'MEDIUM', '', 'The time zone of rotate.schedule.interval.ms; UTC when empty.', {
    validator: timeZone,
  }),
  'timestamp.extractor': connector(
    'STRING',
    'MEDIUM',
    'Wallclock',
    'The time of a record for rotate.interval.ms: Wallclock is its arrival in the task, Record is its timestamp in the topic.',
    {
      validator: oneOf(...extractors.wallclock, ...extractors.record),
      unsupportedValues: { RecordField: 'use Record or Wallclock' },
    },
  ),
  'rotate.on.revoke': connector(
    'BOOLEAN',
    'LOW',
    false,
    'Whether open objects are completed when partitions move to another task or the task stops. Otherwise their records are read again, and objects have the same boundaries as without the move.',
  ),
  'behavior.on.null.values': connector(
    'STRING',
    'LOW',
    'ignore',
    'How to handle a record without a value, such as the tombstone of a deletion: ignore skips it, fail fails the task (the default of Confluent).',
    {
      validator: oneOfIgnoringCase('fail', 'ignore'),
      unsupportedValues: {
        write: 'it writes tombstones to objects of keys, which are not supported; use fail or ignore',
      },
    },
  ),
  'json.decimal.format': connector(
    'STRING',
    'LOW',
    'BASE64',
    'The representation of decimals with a schema: BASE64 or NUMERIC.',
    {
      validator: oneOfIgnoringCase('BASE64', 'NUMERIC'),
    },
  ),
  'filename.offset.zero.pad.width': connector(
    'INT',
    'LOW',
    10,
    'The minimum number of digits of the offset in object names.',
    {
      validator: between(0, 100),
    },
  ),
  'enable.conditional.writes': connector(
    'BOOLEAN',
    'LOW',
    true,
    'Whether objects are put with a condition: that there is none (If-None-Match), or the one that the task looked at (If-Match). A task that lost its partition then cannot replace an object of its successor. When it is off, and on stores without these headers, the task asks the store before each object.',
  ),
  'retry.backoff.ms': connector(
    'LONG',
    'LOW',
    5000,
    'The maximum wait between retries while the store is not available. Such errors are retried indefinitely.',
    { validator: atLeast(1) },
  ),
  's3.buffer.bytes': connector(
    'LONG',
    'LOW',
    67_108_864,
    'The memory of a task for records that are not in the store yet. When it is full, parts are uploaded early, then objects are completed early, then reading pauses.',
    { validator: between(8_388_608, Number.MAX_SAFE_INTEGER) },
  ),
  'shutdown.timeout.ms': connector(
    'LONG',
    'LOW',
    3000,
    'The time that a stopping task waits for the abort of its uploads.',
    {
      validator: atLeast(0),
    },
  ),

  's3.bucket.name': s3('STRING', 'HIGH', undefined, 'The bucket.', {
    validator: (_key, value) => (value === '' ? 'String must be non-empty' : null),
  }),
  's3.region': s3('STRING', 'MEDIUM', 'us-west-2', 'The region of the bucket.'),
  'store.url': s3(
    'STRING',
    'MEDIUM',
    null,
    'The URL of an S3 store other than Amazon S3, such as http://127.0.0.1:9000; https when it has no scheme.',
    {
      validator: storeUrl,
    },
  ),
  's3.path.style.access.enabled': s3(
    'BOOLEAN',
    'MEDIUM',
    true,
    'Whether the bucket is in the path of the URL instead of the host name.',
  ),
  's3.wan.mode': s3('BOOLEAN', 'MEDIUM', false, 'Whether to use Amazon S3 Transfer Acceleration.'),
  'aws.access.key.id': s3(
    'STRING',
    'HIGH',
    '',
    'The access key. Without it, credentials come from the environment and the default chain of the AWS SDK.',
  ),
  'aws.secret.access.key': s3('PASSWORD', 'HIGH', '', 'The secret key of aws.access.key.id.'),
  's3.credentials.provider.class': s3(
    'CLASS',
    'LOW',
    credentialProviders.chain[0],
    'The source of credentials when the config has none: the default chain of the AWS SDK (environment, profile, container, instance), or the environment only.',
    {
      validator: oneOf(...credentialProviders.chain, ...credentialProviders.environment),
      unsupportedValues: {
        'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider':
          'set the role in an AWS profile instead (role_arn, source_profile), and set AWS_PROFILE',
      },
    },
  ),
  's3.part.size': s3(
    'INT',
    'HIGH',
    26_214_400,
    'The size of a part of a multipart upload, in bytes. Smaller objects are put in one request.',
    {
      validator: between(5_242_880, 2_147_483_647),
    },
  ),
  's3.part.retries': s3(
    'INT',
    'MEDIUM',
    3,
    'The number of failed attempts after which a request raises the condition S3_UNAVAILABLE. It is retried indefinitely.',
    { validator: atLeast(0) },
  ),
  's3.retry.backoff.ms': s3(
    'LONG',
    'LOW',
    200,
    'The wait before the first retry; it doubles up to retry.backoff.ms, with jitter.',
    {
      validator: atLeast(1),
    },
  ),
  's3.compression.type': s3('STRING', 'LOW', 'none', 'The compression of objects: none or gzip.', {
    validator: oneOfIgnoringCase('none', 'gzip'),
  }),
  's3.compression.level': s3('INT', 'LOW', -1, 'The gzip level, 0 to 9; -1: the default of zlib, 6.', {
    validator: between(-1, 9),
  }),
  's3.send.digest': s3('BOOLEAN', 'LOW', false, 'Whether to send Content-MD5 with objects and parts.'),
  's3.checksum.algorithm': s3(
    'STRING',
    'LOW',
    'none',
    'A checksum that the store verifies and stores with the object: none, crc32, crc32c or sha256. Without it, the signature still covers every byte in transit.',
    { validator: oneOfIgnoringCase('none', 'crc32', 'crc32c', 'sha256') },
  ),
  's3.ssea.name': s3('STRING', 'LOW', '', 'The encryption by the store: AES256 or aws:kms.', {
    validator: oneOf('', 'AES256', 'aws:kms', 'aws:kms:dsse'),
  }),
  's3.sse.kms.key.id': s3('STRING', 'LOW', '', 'The key for aws:kms; empty: the key of the bucket.'),
  's3.sse.customer.key': s3('PASSWORD', 'LOW', null, 'Your own key for AES256, 32 bytes in base64.', {
    validator: (_key, value) =>
      value === null || Buffer.from(String(value), 'base64').length === 32 ? null : 'It must be 32 bytes in base64',
  }),
  's3.acl.canned': s3('STRING', 'LOW', null, 'The canned access control list of objects.', {
    validator: (_key, value) =>
      value === null || cannedAcls.includes(String(value)) ? null : `String must be one of: ${cannedAcls.join(', ')}`,
    recommended: cannedAcls,
  }),
  's3.request.timeout.ms': s3(
    'INT',
    'LOW',
    60_000,
    'The timeout of a connection attempt, and of a request on which no byte is transferred.',
    {
      validator: atLeast(100),
    },
  ),

  'storage.class': storage('CLASS', 'HIGH', 'io.confluent.connect.s3.storage.S3Storage', 'The storage: S3.', {
    validator: oneOf('io.confluent.connect.s3.storage.S3Storage'),
  }),
  'topics.dir': storage('STRING', 'HIGH', 'topics', 'The first level of object names; empty: none.'),
  'directory.delim': storage('STRING', 'MEDIUM', '/', 'The separator between the levels of object names.'),
  'file.delim': storage('STRING', 'MEDIUM', '+', 'The separator between topic, partition and offset.'),
  'partitioner.class': storage('CLASS', 'HIGH', defaultPartitioner, 'The layout of objects: by Kafka partition.', {
    validator: oneOf(defaultPartitioner),
    unsupportedValues: {
      [`${packageOf.partitioner}.HourlyPartitioner`]: onlyDefault,
      [`${packageOf.partitioner}.DailyPartitioner`]: onlyDefault,
      [`${packageOf.partitioner}.TimeBasedPartitioner`]: onlyDefault,
      [`${packageOf.partitioner}.FieldPartitioner`]: onlyDefault,
    },
  }),
  'schema.compatibility': storage(
    'STRING',
    'HIGH',
    'NONE',
    'The compatibility of schemas in one object. Only NONE: JSON Lines do not depend on it.',
    {
      validator: oneOf('NONE'),
      unsupportedValues: { BACKWARD: noProjection, FORWARD: noProjection, FULL: noProjection },
    },
  ),

  'store.kafka.keys': storage('BOOLEAN', 'LOW', false, 'Whether to store keys.', {
    unsupportedValues: { true: onlyValues },
  }),
  'store.kafka.headers': storage('BOOLEAN', 'LOW', false, 'Whether to store headers.', {
    unsupportedValues: { true: onlyValues },
  }),
  's3.proxy.url': s3('STRING', 'LOW', '', 'An HTTP proxy.', { unsupported: notServed }),
  's3.proxy.user': s3('STRING', 'LOW', null, 'The user of the proxy.', { unsupported: notServed }),
  's3.proxy.password': s3('PASSWORD', 'LOW', '', 'The password of the proxy.', { unsupported: notServed }),
  's3.object.tagging': s3('BOOLEAN', 'LOW', false, 'Whether to tag objects with their offsets.', {
    unsupportedValues: { true: notServed },
  }),
  's3.object.tagging.key.value.pairs': s3('LIST', 'LOW', [], 'Further tags.', { unsupported: notServed }),
  's3.schema.partition.affix.type': s3('STRING', 'LOW', 'NONE', 'Whether object names have the name of the schema.', {
    validator: oneOf('NONE', 'PREFIX', 'SUFFIX'),
    unsupportedValues: { PREFIX: notServed, SUFFIX: notServed },
  }),

  ...acceptedOptions,
} as const satisfies ConfigDef

/** A key of this connector. */
export type S3Key = keyof typeof configDef
