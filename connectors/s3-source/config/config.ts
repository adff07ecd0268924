import { atLeast, oneOf, oneOfIgnoringCase, type ConfigDef, type ConfigKey, type ConfigValue } from 'penstock/api'

import { connector, storage } from '../../s3-store/config/grouped-key.ts'
import { storeOptions } from '../../s3-store/config/store-options.ts'

const formatPackage = 'io.confluent.connect.s3.format'
const partitionerPackage = 'io.confluent.connect.storage.partitioner'

/** The class names of formats. */
export const formats = {
  json: `${formatPackage}.json.JsonFormat`,
  avro: `${formatPackage}.avro.AvroFormat`,
  bytes: `${formatPackage}.bytearray.ByteArrayFormat`,
} as const

/** The options of Confluent's AvroData that the source has. */
export const avroDataKeys = ['enhanced.avro.schema.support', 'connect.meta.data', 'allow.optional.map.keys'] as const

const topicsAndPatterns = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    for (const entry of Array.isArray(value) ? value.map(String) : []) {
      const at = entry.indexOf(':')
      if (at < 1) return `"${entry}" has no topic and no pattern: write topic:pattern`
      try {
        void new RegExp(entry.slice(at + 1))
      } catch {
        return `"${entry.slice(at + 1)}" is no regular expression`
      }
    }
    return null
  },
  { describe: 'a list of topic:pattern' },
)

function accepted(type: ConfigKey['type'], defaultValue: ConfigValue, why: string): ConfigKey {
  return storage(type, `Accepted: ${why}`, { importance: 'LOW', defaultValue })
}

const byNames = 'directories are found by the names of objects, whatever the partitioner was.'

/** The options of Confluent's S3 source. */
export const configDef = {
  mode: connector('STRING', 'RESTORE_BACKUP: objects that the S3 sink wrote are read back.', {
    importance: 'HIGH',
    defaultValue: 'RESTORE_BACKUP',
    validator: oneOf('RESTORE_BACKUP'),
    unsupportedValues: { GENERIC: 'only objects that the S3 sink wrote are read; use RESTORE_BACKUP' },
  }),
  'format.class': connector(
    'CLASS',
    'The format of objects of values, which that of the sink was. Objects of keys and headers are read by the ends of their names.',
    { importance: 'HIGH', validator: oneOf(...Object.values(formats)), recommended: Object.values(formats) },
  ),
  'topic.regex.list': connector(
    'LIST',
    'Which objects are read, as topic:pattern: an object whose name matches the pattern is read into that topic, by the first entry that matches; the others are left out. Empty: all, each into the topic in its name.',
    { importance: 'MEDIUM', defaultValue: [], validator: topicsAndPatterns },
  ),
  's3.poll.interval.ms': connector('LONG', 'The time between two listings, while there is nothing to read.', {
    importance: 'MEDIUM',
    defaultValue: 60_000,
    validator: atLeast(1),
  }),
  'record.batch.max.size': connector('INT', 'The number of records that are read at a time.', {
    importance: 'MEDIUM',
    defaultValue: 200,
    validator: atLeast(1),
  }),
  'archive.manifest': connector(
    'BOOLEAN',
    'Whether the manifests of the sink are read, which has archive.manifest=true too, and only the objects that they name: with the timestamps of records, in the order of their offsets over all directories, and with values of bytes that have the separator in them.',
    { importance: 'MEDIUM', defaultValue: false },
  ),
  'archive.until.offset': connector(
    'LONG',
    'With archive.manifest: records of this offset and later ones, in each partition, are left out; -1: none.',
    { importance: 'LOW', defaultValue: -1 },
  ),
  'archive.until.timestamp': connector(
    'LONG',
    'With archive.manifest: records with a later timestamp are left out, in milliseconds since the epoch; -1: none.',
    { importance: 'LOW', defaultValue: -1 },
  ),
  'behavior.on.error': connector(
    'STRING',
    'How to handle an object that cannot be read: fail fails the task, ignore leaves out the rest of it and raises the condition S3_OBJECT_SKIPPED.',
    { importance: 'MEDIUM', defaultValue: 'fail', validator: oneOfIgnoringCase('fail', 'ignore') },
  ),
  'file.discovery.starting.timestamp': connector(
    'LONG',
    'Objects that were put before this time are left out, in milliseconds since the epoch by the clock of the store.',
    { importance: 'LOW', defaultValue: 0, validator: atLeast(0) },
  ),
  'format.bytearray.extension': connector('STRING', 'ByteArrayFormat: the end of the names of objects.', {
    importance: 'LOW',
    defaultValue: '.bin',
  }),
  'format.bytearray.separator': connector('STRING', 'ByteArrayFormat: what follows each value.', {
    importance: 'LOW',
    defaultValue: '\n',
    validator: (_key, value) => (value === '' ? 'Without a separator, nothing tells where a value ends' : null),
  }),
  'enhanced.avro.schema.support': connector(
    'BOOLEAN',
    'AvroFormat: whether enums stay enums, and fields of unions have full names.',
    {
      importance: 'LOW',
      defaultValue: true,
    },
  ),
  'connect.meta.data': connector(
    'BOOLEAN',
    'AvroFormat: whether attributes of the Avro schema become names, versions, parameters, defaults and documentation of Connect schemas.',
    { importance: 'LOW', defaultValue: true },
  ),
  'allow.optional.map.keys': connector('BOOLEAN', 'AvroFormat: whether the sink had it.', {
    importance: 'LOW',
    defaultValue: false,
  }),
  'retry.backoff.ms': connector(
    'LONG',
    'The maximum wait between retries while the store is not available. Such errors are retried indefinitely.',
    { importance: 'LOW', defaultValue: 5000, validator: atLeast(1) },
  ),
  ...storeOptions,
  'partitioner.class': accepted('CLASS', `${partitionerPackage}.DefaultPartitioner`, byNames),
  'partition.field.name': accepted('LIST', [], byNames),
  'path.format': accepted('STRING', '', byNames),
  'partition.duration.ms': accepted('LONG', -1, byNames),
  locale: accepted('STRING', '', byNames),
  timezone: accepted('STRING', '', byNames),
  /** The share of a task, which the connector sets. */
  'task.share': {
    ...connector('STRING', 'The share of the task.', { importance: 'LOW', defaultValue: '0/1' }),
    internal: true,
  },
} as const satisfies ConfigDef

/** A key of this connector. */
export type S3SourceKey = keyof typeof configDef
