import { atLeast, between, oneOf, oneOfIgnoringCase, type ConfigDef } from 'penstock/api'

import { acceptedOptions } from './accepted-options.ts'
import { companionOptions } from './companion-options.ts'
import { formatOptions } from './format-options.ts'
import { connector, s3, storage } from '../../s3-store/config/grouped-key.ts'
import { storeOptions } from '../../s3-store/config/store-options.ts'
import { tagOptions } from './tag-options.ts'
import { partitionerOptions } from './partitioner-options.ts'

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

const storageClasses = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
]

/** The options of Confluent's S3 sink, supported, accepted and rejected ones, and a few of our own. */
export const configDef = {
  ...formatOptions,
  'flush.size': connector('INT', 'The number of records of an object, per topic partition.', { importance: 'HIGH' }),
  'rotate.size.bytes': connector(
    'LONG',
    'The number of bytes, before compression, after which an object is complete; -1: no limit.',
    { importance: 'MEDIUM', defaultValue: -1, validator: between(-1, Number.MAX_SAFE_INTEGER) },
  ),
  'rotate.interval.ms': connector(
    'LONG',
    'The time span of an object: it is complete when a record is this much later than its first one, by timestamp.extractor, and also when this time has passed without such a record; -1: off.',
    { importance: 'HIGH', defaultValue: -1 },
  ),
  'rotate.schedule.interval.ms': connector(
    'LONG',
    'The interval at which objects are completed at fixed times of the day, counted from midnight in timezone, whether records arrive or not; -1: off.',
    { importance: 'MEDIUM', defaultValue: -1 },
  ),
  'rotate.on.revoke': connector(
    'BOOLEAN',
    'Whether open objects are completed when partitions move to another task or the task stops. Otherwise their records are read again, and objects have the same boundaries as without the move.',
    { importance: 'LOW', defaultValue: false },
  ),
  'behavior.on.null.values': connector(
    'STRING',
    'How to handle a record without a value, such as the tombstone of a deletion: ignore skips it, fail fails the task (the default of Confluent), write stores its key in the directory tombstone.encoded.partition, which needs store.kafka.keys.',
    { importance: 'LOW', defaultValue: 'ignore', validator: oneOfIgnoringCase('fail', 'ignore', 'write') },
  ),
  'report.null.values.to.dlq': connector(
    'BOOLEAN',
    'Whether records without a value that are ignored are also written to the dead letter queue, if there is one and the config has behavior.on.null.values=ignore. They are not with errors.tolerance=none, which would fail the task, nor with errors.deadletterqueue.park.keys, which would keep later records of their keys from the objects.',
    { importance: 'LOW', defaultValue: true },
  ),
  'filename.offset.zero.pad.width': connector('INT', 'The minimum number of digits of the offset in object names.', {
    importance: 'LOW',
    defaultValue: 10,
    validator: between(0, 100),
  }),
  'enable.conditional.writes': connector(
    'BOOLEAN',
    'Whether objects are put with a condition: that there is none (If-None-Match), or the one that the task looked at (If-Match). A task that lost its partition then cannot replace an object of its successor. When it is off, and on stores without these headers, the task asks the store before each object.',
    { importance: 'LOW', defaultValue: true },
  ),
  'archive.manifest': connector(
    'BOOLEAN',
    'Whether objects that end together get a manifest: which offsets, timestamps and schemas they hold, their sizes and SHA-256, and which manifest was before it. penstock archive verify checks them.',
    { importance: 'LOW', defaultValue: false },
  ),
  'retry.backoff.ms': connector(
    'LONG',
    'The maximum wait between retries while the store is not available. Such errors are retried indefinitely.',
    { importance: 'LOW', defaultValue: 5000, validator: atLeast(1) },
  ),
  's3.buffer.bytes': connector(
    'LONG',
    'The memory of a task for records that are not in the store yet. When it is full, parts are uploaded early, then objects are completed early, then reading pauses.',
    { importance: 'LOW', defaultValue: 67_108_864, validator: between(8_388_608, Number.MAX_SAFE_INTEGER) },
  ),
  'shutdown.timeout.ms': connector('LONG', 'The time that a stopping task waits for the abort of its uploads.', {
    importance: 'LOW',
    defaultValue: 3000,
    validator: atLeast(0),
  }),

  ...storeOptions,
  's3.part.size': s3(
    'INT',
    'The size of a part of a multipart upload, in bytes. Smaller objects are put in one request.',
    { importance: 'HIGH', defaultValue: 26_214_400, validator: between(5_242_880, 2_147_483_647) },
  ),
  's3.compression.type': s3(
    'STRING',
    'The compression of objects: none, gzip, or zstd, which Confluent’s sink does not have. Avro and Parquet have avro.codec and parquet.codec instead.',
    {
      importance: 'LOW',
      defaultValue: 'none',
      validator: oneOfIgnoringCase('none', 'gzip', 'zstd'),
    },
  ),
  's3.compression.level': s3('INT', 'The level, 0 to 9; -1: the default, 6 for gzip and 3 for zstd.', {
    importance: 'LOW',
    defaultValue: -1,
    validator: between(-1, 9),
  }),
  's3.send.digest': s3('BOOLEAN', 'Whether to send Content-MD5 with objects and parts.', {
    importance: 'LOW',
    defaultValue: false,
  }),
  's3.checksum.algorithm': s3(
    'STRING',
    'A checksum that the store verifies and stores with the object: none, crc32, crc32c or sha256. Without it, the signature still covers every byte in transit.',
    { importance: 'LOW', defaultValue: 'none', validator: oneOfIgnoringCase('none', 'crc32', 'crc32c', 'sha256') },
  ),
  's3.ssea.name': s3('STRING', 'The encryption by the store: AES256 or aws:kms.', {
    importance: 'LOW',
    defaultValue: '',
    validator: oneOf('', 'AES256', 'aws:kms', 'aws:kms:dsse'),
  }),
  's3.sse.kms.key.id': s3('STRING', 'The key for aws:kms; empty: the key of the bucket.', {
    importance: 'LOW',
    defaultValue: '',
  }),
  's3.acl.canned': s3('STRING', 'The canned access control list of objects.', {
    importance: 'LOW',
    defaultValue: null,
    validator: (_key, value) =>
      value === null || cannedAcls.includes(String(value)) ? null : `String must be one of: ${cannedAcls.join(', ')}`,
    recommended: cannedAcls,
  }),
  's3.http.send.expect.continue': s3(
    'BOOLEAN',
    'Whether to ask the store before the bytes of an object are sent (Expect: 100-continue), on a connection of its own for each object and part. It is the default of Confluent’s sink.',
    { importance: 'LOW', defaultValue: false },
  ),
  's3.storage.class': s3(
    'STRING',
    'The storage class of objects, which Confluent’s sink leaves to the bucket; empty: its default.',
    { importance: 'LOW', defaultValue: '', validator: oneOf('', ...storageClasses), recommended: storageClasses },
  ),

  'storage.class': storage('CLASS', 'The storage: S3.', {
    importance: 'HIGH',
    defaultValue: 'io.confluent.connect.s3.storage.S3Storage',
    validator: oneOf('io.confluent.connect.s3.storage.S3Storage'),
  }),
  'schema.compatibility': storage(
    'STRING',
    'The schemas that may be in one object. NONE: a single one, so an object is complete when the next record has another schema. BACKWARD and FULL: a record with an older version of the schema is projected to that of the object, and a newer version begins an object. FORWARD: a record with a newer version is projected, and an older one begins an object. A projection leaves fields out that the object does not have. Registries give versions; without different versions, and where values have no projection, another schema begins an object.',
    { importance: 'HIGH', defaultValue: 'NONE', validator: oneOf('NONE', 'BACKWARD', 'FORWARD', 'FULL') },
  ),

  ...tagOptions,
  ...companionOptions,
  ...partitionerOptions,
  ...acceptedOptions,
} as const satisfies ConfigDef

/** A key of this connector. */
export type S3Key = keyof typeof configDef
