/** The type of a topic config. */
export type TopicConfigType = 'boolean' | 'int' | 'long' | 'double' | 'list' | 'string'

/** One topic config, as data: everything that validates, stores or shows it derives from here. */
export interface TopicConfigDefinition {
  readonly type: TopicConfigType
  /** As returned by DescribeConfigs. */
  readonly default: string
  readonly min?: number
  readonly max?: number
  /** The values that are allowed; for lists, as items. */
  readonly values?: readonly string[]
  /** The broker config that holds the default. DescribeConfigs shows it as a synonym; absent where Kafka shows none. */
  readonly broker?: string
  readonly doc: string
}

const longMax = '9223372036854775807'
const intMax = 2_147_483_647
const dayMs = 86_400_000
const single = 'Stored and shown; has no effect on a single broker.'
const tiered = 'Stored and shown; has no effect: there is no tiered storage.'
const asSent = 'Stored and shown; has no effect: batches are stored as the producer sent them.'
const synced = 'Stored and shown; has no effect: every record is synced before it is acknowledged.'

/**
 * The topic configs of Kafka 3.9 with its defaults, except for `max.message.bytes`, 16 MiB instead of 1 MiB, and
 * `message.timestamp.after.max.ms`, one hour as in Kafka 4.0.
 */
export const topicConfigDefinitions: Readonly<Record<string, TopicConfigDefinition>> = {
  'cleanup.policy': {
    type: 'list',
    broker: 'log.cleanup.policy',
    default: 'delete',
    values: ['compact', 'delete'],
    doc: 'delete: the oldest segments are deleted by age or size; compact: only the last record of each key is kept; or both.',
  },
  'compression.gzip.level': {
    type: 'int',
    broker: 'compression.gzip.level',
    default: '-1',
    min: -1,
    max: 9,
    doc: asSent,
  },
  'compression.lz4.level': { type: 'int', broker: 'compression.lz4.level', default: '9', min: 1, max: 17, doc: asSent },
  'compression.type': {
    type: 'string',
    broker: 'compression.type',
    default: 'producer',
    values: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    doc: asSent,
  },
  'compression.zstd.level': {
    type: 'int',
    broker: 'compression.zstd.level',
    default: '3',
    min: -131_072,
    max: 22,
    doc: asSent,
  },
  'delete.retention.ms': {
    type: 'long',
    broker: 'log.cleaner.delete.retention.ms',
    default: String(dayMs),
    min: 0,
    doc: 'How long a tombstone of a compacted topic is kept after the first compaction that reads it.',
  },
  'file.delete.delay.ms': {
    type: 'long',
    broker: 'log.segment.delete.delay.ms',
    default: '60000',
    min: 0,
    doc: 'Stored and shown; has no effect: segments are deleted immediately.',
  },
  'flush.messages': {
    type: 'long',
    broker: 'log.flush.interval.messages',
    default: longMax,
    min: 1,
    doc: synced,
  },
  'flush.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    doc: synced,
  },
  'follower.replication.throttled.replicas': { type: 'list', default: '', doc: single },
  'index.interval.bytes': {
    type: 'int',
    broker: 'log.index.interval.bytes',
    default: '4096',
    min: 0,
    max: intMax,
    doc: 'Bytes of records between two entries of the offset index.',
  },
  'leader.replication.throttled.replicas': { type: 'list', default: '', doc: single },
  'local.retention.bytes': { type: 'long', broker: 'log.local.retention.bytes', default: '-2', min: -2, doc: tiered },
  'local.retention.ms': { type: 'long', broker: 'log.local.retention.ms', default: '-2', min: -2, doc: tiered },
  'max.compaction.lag.ms': {
    type: 'long',
    broker: 'log.cleaner.max.compaction.lag.ms',
    default: longMax,
    min: 1,
    doc: 'Maximum time that a record stays uncompacted.',
  },
  'max.message.bytes': {
    type: 'int',
    broker: 'message.max.bytes',
    default: String(16 * 1024 * 1024),
    min: 0,
    max: intMax,
    doc: 'Maximum size of a record batch after compression.',
  },
  'message.downconversion.enable': {
    type: 'boolean',
    broker: 'log.message.downconversion.enable',
    default: 'true',
    doc: 'Stored and shown; has no effect: old message formats are never served.',
  },
  'message.format.version': {
    type: 'string',
    broker: 'log.message.format.version',
    default: '3.0-IV1',
    doc: 'Stored and shown; has no effect: the format is always version 2.',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    broker: 'log.message.timestamp.after.max.ms',
    default: '3600000',
    min: 0,
    doc: 'How far the timestamp of a record may be in the future, with CreateTime.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    broker: 'log.message.timestamp.before.max.ms',
    default: longMax,
    min: 0,
    doc: 'How far the timestamp of a record may be in the past, with CreateTime.',
  },
  'message.timestamp.difference.max.ms': {
    type: 'long',
    broker: 'log.message.timestamp.difference.max.ms',
    default: longMax,
    min: 0,
    doc: 'Stored and shown; has no effect: use message.timestamp.before.max.ms and message.timestamp.after.max.ms.',
  },
  'message.timestamp.type': {
    type: 'string',
    broker: 'log.message.timestamp.type',
    default: 'CreateTime',
    values: ['CreateTime', 'LogAppendTime'],
    doc: "Whether the timestamp of a record is the producer's (CreateTime) or the broker's (LogAppendTime).",
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    broker: 'log.cleaner.min.cleanable.ratio',
    default: '0.5',
    min: 0,
    max: 1,
    doc: 'Minimum share of uncompacted bytes at which a partition is compacted.',
  },
  'min.compaction.lag.ms': {
    type: 'long',
    broker: 'log.cleaner.min.compaction.lag.ms',
    default: '0',
    min: 0,
    doc: 'Minimum time that a record stays uncompacted.',
  },
  'min.insync.replicas': { type: 'int', broker: 'min.insync.replicas', default: '1', min: 1, max: intMax, doc: single },
  preallocate: {
    type: 'boolean',
    broker: 'log.preallocate',
    default: 'false',
    doc: 'Stored and shown; has no effect: files are never preallocated.',
  },
  'remote.log.copy.disable': { type: 'boolean', default: 'false', doc: tiered },
  'remote.log.delete.on.disable': { type: 'boolean', default: 'false', doc: tiered },
  'remote.storage.enable': {
    type: 'boolean',
    default: 'false',
    doc: 'Only false is allowed: there is no tiered storage.',
    values: ['false'],
  },
  'retention.bytes': {
    type: 'long',
    broker: 'log.retention.bytes',
    default: '-1',
    doc: 'Size of a partition above which its oldest segments are deleted; -1: no limit.',
  },
  'retention.ms': {
    type: 'long',
    default: String(7 * dayMs),
    min: -1,
    doc: 'Age at which segments are deleted; -1: no limit.',
  },
  'segment.bytes': {
    type: 'int',
    broker: 'log.segment.bytes',
    default: String(1024 * 1024 * 1024),
    min: 14,
    max: intMax,
    doc: 'Maximum size of a segment file.',
  },
  'segment.index.bytes': {
    type: 'int',
    broker: 'log.index.size.max.bytes',
    default: String(10 * 1024 * 1024),
    min: 4,
    max: intMax,
    doc: 'Maximum size of an index file.',
  },
  'segment.jitter.ms': {
    type: 'long',
    default: '0',
    min: 0,
    doc: 'Stored and shown; has no effect: segments roll without jitter.',
  },
  'segment.ms': { type: 'long', default: String(7 * dayMs), min: 1, doc: 'Age at which a new segment is started.' },
  'unclean.leader.election.enable': {
    type: 'boolean',
    broker: 'unclean.leader.election.enable',
    default: 'false',
    doc: single,
  },
}

/** Returns the config of that name; undefined without one, also for what every object inherits, such as `constructor`. */
export function topicConfigDefinition(name: string): TopicConfigDefinition | undefined {
  return Object.hasOwn(topicConfigDefinitions, name) ? topicConfigDefinitions[name] : undefined
}
