import {
  atLeast,
  between,
  oneOf,
  oneOfIgnoringCase,
  type ConfigDef,
  type ConfigKey,
  type ConfigValue,
} from 'penstock/api'

import { isTimeZone } from '../partition/schedule.ts'

const packageOf = {
  format: 'io.confluent.connect.s3.format',
  partitioner: 'io.confluent.connect.storage.partitioner',
} as const

const jsonFormat = `${packageOf.format}.json.JsonFormat`
const defaultPartitioner = `${packageOf.partitioner}.DefaultPartitioner`

/** Names of the AWS SDK's usual chain of credentials, of both major versions, and of its part that reads the environment. */
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

/** The names by which configs call what tells the time of a record. */
export const extractors = {
  wallclock: ['Wallclock', `${extractorClass}$WallclockTimestampExtractor`],
  record: ['Record', `${extractorClass}$RecordTimestampExtractor`],
} as const

const onlyJson = 'only JSON Lines are written so far: io.confluent.connect.s3.format.json.JsonFormat'
const onlyDefault =
  'objects are laid out by topic and partition so far: io.confluent.connect.storage.partitioner.DefaultPartitioner'
const onlyValues = 'only values are stored so far; leave it out or set it to false'
const noProjection = 'JSON Lines are written as they come, whatever their schema; use NONE'
const notServed = 'it is not served yet'

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

/** An option of Confluent's that changes nothing here; `why` says so. */
function accepted(type: ConfigKey['type'], group: string, defaultValue: ConfigValue, why: string): ConfigKey {
  return { type, group, importance: 'LOW', defaultValue, doc: `Accepted: ${why}` }
}

const connector = inGroup('Connector')
const s3 = inGroup('S3')
const storage = inGroup('Storage')

const otherFormats = {
  [`${packageOf.format}.avro.AvroFormat`]: onlyJson,
  [`${packageOf.format}.parquet.ParquetFormat`]: onlyJson,
  [`${packageOf.format}.bytearray.ByteArrayFormat`]: onlyJson,
}
const ofOtherFormats = 'it belongs to formats that are not written here.'
const ofOtherPartitioners = 'it belongs to partitioners that are not served here.'

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

/** The settings of Confluent's S3 sink, those that are served and those that are refused, and a few of our own. */
export const configDef = {
  'format.class': {
    type: 'CLASS',
    importance: 'HIGH',
    group: 'Connector',
    doc: 'The format of objects: io.confluent.connect.s3.format.json.JsonFormat, one JSON value a line.',
    recommended: [jsonFormat],
    validator: oneOf(jsonFormat),
    unsupportedValues: otherFormats,
  },
  'flush.size': connector('INT', 'HIGH', undefined, 'Records after which an object is complete, per topic partition.'),
  'rotate.size.bytes': connector(
    'LONG',
    'MEDIUM',
    -1,
    'Bytes before compression after which an object is complete; -1 sets no limit.',
    { validator: between(-1, Number.MAX_SAFE_INTEGER) },
  ),
  'rotate.interval.ms': connector(
    'LONG',
    'HIGH',
    -1,
    'An object is complete when a record is this much later than its first one by timestamp.extractor, and also when as much time has passed without such a record; -1 turns it off.',
  ),
  'rotate.schedule.interval.ms': connector(
    'LONG',
    'MEDIUM',
    -1,
    'Objects are complete at fixed times of the day, every so many milliseconds from midnight in timezone, whether records arrive or not; -1 turns it off.',
  ),
  timezone: connector('STRING', 'MEDIUM', '', 'The time zone of rotate.schedule.interval.ms; UTC when empty.', {
    validator: timeZone,
  }),
  'timestamp.extractor': connector(
    'STRING',
    'MEDIUM',
    'Wallclock',
    'The time of a record for rotate.interval.ms: Wallclock is when it arrives here, Record its timestamp in the log.',
    {
      validator: oneOf(...extractors.wallclock, ...extractors.record),
      unsupportedValues: { RecordField: 'use Record or Wallclock' },
    },
  ),
  'rotate.on.revoke': connector(
    'BOOLEAN',
    'LOW',
    false,
    'Whether open objects are completed when partitions move to another task or the task ends. Otherwise their records are read again, and objects are cut as if nothing had happened.',
  ),
  'behavior.on.null.values': connector(
    'STRING',
    'LOW',
    'ignore',
    'What to do with a record without a value, such as the tombstone behind a deletion: leave it out, or fail the task (what Confluent does unless told otherwise).',
    {
      validator: oneOfIgnoringCase('fail', 'ignore'),
      unsupportedValues: {
        write: 'tombstones are written to objects of keys, which are not served yet; use fail or ignore',
      },
    },
  ),
  'json.decimal.format': connector(
    'STRING',
    'LOW',
    'BASE64',
    'How decimals with a schema are written: BASE64 or NUMERIC.',
    {
      validator: oneOfIgnoringCase('BASE64', 'NUMERIC'),
    },
  ),
  'filename.offset.zero.pad.width': connector('INT', 'LOW', 10, 'Digits of the offset in object names, at least.', {
    validator: between(0, 100),
  }),
  'enable.conditional.writes': connector(
    'BOOLEAN',
    'LOW',
    true,
    'Whether an object is only put where none is (If-None-Match), or over the one that was looked at (If-Match): a task that lost its partition cannot replace what its successor wrote. Stores that do not know the headers are asked before each object, as when it is off.',
  ),
  'retry.backoff.ms': connector(
    'LONG',
    'LOW',
    5000,
    'The longest wait between attempts while the store is away. Such errors are retried for ever.',
    { validator: atLeast(1) },
  ),
  's3.buffer.bytes': connector(
    'LONG',
    'LOW',
    67_108_864,
    'Memory of a task for records that are not in the store yet. When it is full, parts are uploaded early, then objects are completed early, then reading waits.',
    { validator: between(8_388_608, Number.MAX_SAFE_INTEGER) },
  ),
  'shutdown.timeout.ms': connector('LONG', 'LOW', 3000, 'How long the end of a task waits for uploads it gives up.', {
    validator: atLeast(0),
  }),

  's3.bucket.name': s3('STRING', 'HIGH', undefined, 'The bucket.', {
    validator: (_key, value) => (value === '' ? 'String must be non-empty' : null),
  }),
  's3.region': s3('STRING', 'MEDIUM', 'us-west-2', 'The region of the bucket.'),
  'store.url': s3(
    'STRING',
    'MEDIUM',
    null,
    'The address of an S3 store that is not Amazon’s, such as http://127.0.0.1:9000; https when it names no scheme.',
    {
      validator: storeUrl,
    },
  ),
  's3.path.style.access.enabled': s3(
    'BOOLEAN',
    'MEDIUM',
    true,
    'Whether the bucket stands in the path rather than in the name of the host.',
  ),
  's3.wan.mode': s3('BOOLEAN', 'MEDIUM', false, 'Whether Amazon’s transfer acceleration is used.'),
  'aws.access.key.id': s3(
    'STRING',
    'HIGH',
    '',
    'The access key. Without it the environment and the usual chain of AWS are asked.',
  ),
  'aws.secret.access.key': s3('PASSWORD', 'HIGH', '', 'The secret key that belongs to aws.access.key.id.'),
  's3.credentials.provider.class': s3(
    'CLASS',
    'LOW',
    credentialProviders.chain[0],
    'Where credentials come from when none are given: the usual chain of AWS (environment, profile, container, instance), or the environment alone.',
    {
      validator: oneOf(...credentialProviders.chain, ...credentialProviders.environment),
      unsupportedValues: {
        'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider':
          'name the role in an AWS profile instead (role_arn, source_profile) and set AWS_PROFILE',
      },
    },
  ),
  's3.part.size': s3(
    'INT',
    'HIGH',
    26_214_400,
    'Bytes of a part of a multipart upload. Smaller objects are put in one request.',
    {
      validator: between(5_242_880, 2_147_483_647),
    },
  ),
  's3.part.retries': s3(
    'INT',
    'MEDIUM',
    3,
    'Attempts after which a request that keeps failing is logged. It is retried for ever.',
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
  's3.compression.type': s3('STRING', 'LOW', 'none', 'none or gzip.', { validator: oneOfIgnoringCase('none', 'gzip') }),
  's3.compression.level': s3('INT', 'LOW', -1, 'The effort of gzip from 0 to 9; -1 is its own choice, 6.', {
    validator: between(-1, 9),
  }),
  's3.send.digest': s3('BOOLEAN', 'LOW', false, 'Whether Content-MD5 is sent with objects and parts.'),
  's3.checksum.algorithm': s3(
    'STRING',
    'LOW',
    'none',
    'A checksum the store verifies and keeps with the object: none, crc32, crc32c or sha256. Without it the signature still covers every byte on the way.',
    { validator: oneOfIgnoringCase('none', 'crc32', 'crc32c', 'sha256') },
  ),
  's3.ssea.name': s3('STRING', 'LOW', '', 'Encryption by the store: AES256 or aws:kms.', {
    validator: oneOf('', 'AES256', 'aws:kms', 'aws:kms:dsse'),
  }),
  's3.sse.kms.key.id': s3('STRING', 'LOW', '', 'The key of aws:kms; the bucket’s own when empty.'),
  's3.sse.customer.key': s3('PASSWORD', 'LOW', null, 'A key of yours for AES256, 32 bytes in base64.', {
    validator: (_key, value) =>
      value === null || Buffer.from(String(value), 'base64').length === 32 ? null : 'It must be 32 bytes in base64',
  }),
  's3.acl.canned': s3('STRING', 'LOW', null, 'A canned access control list for objects.', {
    validator: (_key, value) =>
      value === null || cannedAcls.includes(String(value)) ? null : `String must be one of: ${cannedAcls.join(', ')}`,
    recommended: cannedAcls,
  }),
  's3.request.timeout.ms': s3(
    'INT',
    'LOW',
    60_000,
    'How long a request may go without a byte moving before it counts as failed.',
    {
      validator: atLeast(100),
    },
  ),

  'storage.class': storage('CLASS', 'HIGH', 'io.confluent.connect.s3.storage.S3Storage', 'The storage: S3.', {
    validator: oneOf('io.confluent.connect.s3.storage.S3Storage'),
  }),
  'topics.dir': storage('STRING', 'HIGH', 'topics', 'What object names begin with; nothing when empty.'),
  'directory.delim': storage('STRING', 'MEDIUM', '/', 'What stands between the levels of object names.'),
  'file.delim': storage('STRING', 'MEDIUM', '+', 'What stands between topic, partition and offset.'),
  'partitioner.class': storage('CLASS', 'HIGH', defaultPartitioner, 'How objects are laid out: by Kafka partition.', {
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
    'How schemas of one object may differ: NONE, which JSON Lines need not mind.',
    {
      validator: oneOf('NONE'),
      unsupportedValues: { BACKWARD: noProjection, FORWARD: noProjection, FULL: noProjection },
    },
  ),

  'store.kafka.keys': storage('BOOLEAN', 'LOW', false, 'Whether keys are stored.', {
    unsupportedValues: { true: onlyValues },
  }),
  'store.kafka.headers': storage('BOOLEAN', 'LOW', false, 'Whether headers are stored.', {
    unsupportedValues: { true: onlyValues },
  }),
  's3.proxy.url': s3('STRING', 'LOW', '', 'An HTTP proxy.', { unsupported: notServed }),
  's3.proxy.user': s3('STRING', 'LOW', null, 'The user of the proxy.', { unsupported: notServed }),
  's3.proxy.password': s3('PASSWORD', 'LOW', '', 'The password of the proxy.', { unsupported: notServed }),
  's3.object.tagging': s3('BOOLEAN', 'LOW', false, 'Whether objects are tagged with their offsets.', {
    unsupportedValues: { true: notServed },
  }),
  's3.object.tagging.key.value.pairs': s3('LIST', 'LOW', [], 'Further tags.', { unsupported: notServed }),
  's3.schema.partition.affix.type': s3('STRING', 'LOW', 'NONE', 'Whether the schema’s name stands in object names.', {
    validator: oneOf('NONE', 'PREFIX', 'SUFFIX'),
    unsupportedValues: { PREFIX: notServed, SUFFIX: notServed },
  }),

  'keys.format.class': accepted('CLASS', 'Storage', `${packageOf.format}.avro.AvroFormat`, 'keys are not stored.'),
  'headers.format.class': accepted(
    'CLASS',
    'Storage',
    `${packageOf.format}.avro.AvroFormat`,
    'headers are not stored.',
  ),
  'report.null.values.to.dlq': accepted('BOOLEAN', 'Connector', true, 'there are no dead letter queues yet.'),
  'tombstone.encoded.partition': accepted('STRING', 'Connector', 'tombstone', 'tombstones are not stored.'),
  'max.write.duration.ms': accepted('LONG', 'Connector', Number.MAX_SAFE_INTEGER, 'writing never holds the task up.'),
  'schemas.cache.config': accepted('INT', 'Connector', 1000, ofOtherFormats),
  'enhanced.avro.schema.support': accepted('BOOLEAN', 'Connector', true, ofOtherFormats),
  'connect.meta.data': accepted('BOOLEAN', 'Connector', true, ofOtherFormats),
  'allow.optional.map.keys': accepted('BOOLEAN', 'Connector', false, ofOtherFormats),
  'avro.codec': accepted('STRING', 'Connector', 'null', ofOtherFormats),
  'parquet.codec': accepted('STRING', 'Connector', 'snappy', ofOtherFormats),
  'format.bytearray.extension': accepted('STRING', 'Connector', '.bin', ofOtherFormats),
  'format.bytearray.separator': accepted('STRING', 'Connector', null, ofOtherFormats),
  'rotate.file.on.partition.change': accepted('BOOLEAN', 'Connector', true, ofOtherPartitioners),
  'partitioner.max.open.files': accepted('INT', 'Connector', -1, ofOtherPartitioners),
  'partition.field.name': accepted('LIST', 'Storage', [], ofOtherPartitioners),
  'partition.duration.ms': accepted('LONG', 'Storage', -1, ofOtherPartitioners),
  'path.format': accepted('STRING', 'Storage', '', ofOtherPartitioners),
  locale: accepted('STRING', 'Storage', '', ofOtherPartitioners),
  'timestamp.field': accepted('STRING', 'Storage', 'timestamp', ofOtherPartitioners),
  'max.files.scan.limit': accepted('INT', 'Connector', 100, 'an object that is there already is found by its name.'),
  's3.http.send.expect.continue': accepted('BOOLEAN', 'S3', true, 'the header Expect is never sent.'),
  's3.object.behavior.on.tagging.error': accepted('STRING', 'S3', 'ignore', 'objects are not tagged.'),
  's3.elastic.buffer.enable': accepted('BOOLEAN', 'S3', false, 'buffers always grow with what is in them.'),
  's3.elastic.buffer.init.capacity': accepted('INT', 'S3', 131_072, 'buffers always grow with what is in them.'),
  'schema.generator.class': accepted('CLASS', 'Storage', null, 'it has no effect in Confluent’s connector either.'),
} as const satisfies ConfigDef

/** A key of this connector. */
export type S3Key = keyof typeof configDef
