/** The type of a topic config. */
export type TopicConfigType = 'boolean' | 'int' | 'long' | 'double' | 'list' | 'string'

/** One topic config, as data: everything that validates, stores or shows it derives from here. */
export interface TopicConfigDefinition {
  readonly type: TopicConfigType
  /** As returned by DescribeConfigs. */
  readonly default: string
  readonly min?: number
  readonly max?: number
  /** The words that are allowed, for strings and lists. */
  readonly values?: readonly string[]
  /** The broker's config that the default is: DescribeConfigs names it as synonym. Absent where Kafka names none. */
  readonly broker?: string
  readonly doc: string
}

const longMax = '9223372036854775807'
const intMax = 2_147_483_647
const dayMs = 86_400_000
const single = 'Kept and shown; without effect on a single broker.'
const tiered = 'Kept and shown; there is no tiered storage.'
const asSent = 'Kept and shown; without effect: batches are stored as the producer sent them.'

/** Kafka's topic configs with Kafka's defaults; `max.message.bytes` is 16 MiB instead of 1 MiB. */
export const topicConfigDefinitions: Readonly<Record<string, TopicConfigDefinition>> = {
  'cleanup.policy': {
    type: 'list',
    broker: 'log.cleanup.policy',
    default: 'delete',
    values: ['compact', 'delete'],
    doc: 'delete: old segments are removed by time or size; compact: only the last record of each key is kept; or both.',
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
    doc: 'How long tombstones of a compacted topic stay.',
  },
  'file.delete.delay.ms': {
    type: 'long',
    broker: 'log.segment.delete.delay.ms',
    default: '60000',
    min: 0,
    doc: 'Has no effect: segments are removed immediately.',
  },
  'flush.messages': {
    type: 'long',
    broker: 'log.flush.interval.messages',
    default: longMax,
    min: 1,
    doc: 'Kept and shown; every record is synced before it is acknowledged.',
  },
  'flush.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    doc: 'Kept and shown; every record is synced before it is acknowledged.',
  },
  'follower.replication.throttled.replicas': { type: 'list', default: '', doc: single },
  'index.interval.bytes': {
    type: 'int',
    broker: 'log.index.interval.bytes',
    default: '4096',
    min: 0,
    max: intMax,
    doc: 'Bytes of log between two entries of the offset index.',
  },
  'leader.replication.throttled.replicas': { type: 'list', default: '', doc: single },
  'local.retention.bytes': { type: 'long', broker: 'log.local.retention.bytes', default: '-2', min: -2, doc: single },
  'local.retention.ms': { type: 'long', broker: 'log.local.retention.ms', default: '-2', min: -2, doc: single },
  'max.compaction.lag.ms': {
    type: 'long',
    broker: 'log.cleaner.max.compaction.lag.ms',
    default: longMax,
    min: 1,
    doc: 'How long a record may stay out of the reach of compaction.',
  },
  'max.message.bytes': {
    type: 'int',
    broker: 'message.max.bytes',
    default: String(16 * 1024 * 1024),
    min: 0,
    max: intMax,
    doc: 'Largest record batch, after compression.',
  },
  'message.downconversion.enable': {
    type: 'boolean',
    broker: 'log.message.downconversion.enable',
    default: 'true',
    doc: 'Kept and shown; old message formats are never served.',
  },
  'message.format.version': {
    type: 'string',
    broker: 'log.message.format.version',
    default: '3.0-IV1',
    doc: 'Kept and shown; the format is always version 2.',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    broker: 'log.message.timestamp.after.max.ms',
    default: '3600000',
    min: 0,
    doc: 'How far in the future the time of a record may lie.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    broker: 'log.message.timestamp.before.max.ms',
    default: longMax,
    min: 0,
    doc: 'How far in the past the time of a record may lie.',
  },
  'message.timestamp.difference.max.ms': {
    type: 'long',
    broker: 'log.message.timestamp.difference.max.ms',
    default: longMax,
    min: 0,
    doc: 'Kept and shown; use the two above.',
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
    doc: 'Share of uncompacted bytes from which a topic is compacted.',
  },
  'min.compaction.lag.ms': {
    type: 'long',
    broker: 'log.cleaner.min.compaction.lag.ms',
    default: '0',
    min: 0,
    doc: 'How long a record stays uncompacted at least.',
  },
  'min.insync.replicas': { type: 'int', broker: 'min.insync.replicas', default: '1', min: 1, max: intMax, doc: single },
  preallocate: {
    type: 'boolean',
    broker: 'log.preallocate',
    default: 'false',
    doc: 'Kept and shown; files are never preallocated.',
  },
  'remote.log.copy.disable': { type: 'boolean', default: 'false', doc: tiered },
  'remote.log.delete.on.disable': { type: 'boolean', default: 'false', doc: tiered },
  'remote.storage.enable': {
    type: 'boolean',
    default: 'false',
    doc: 'There is no tiered storage: only false.',
    values: ['false'],
  },
  'retention.bytes': {
    type: 'long',
    broker: 'log.retention.bytes',
    default: '-1',
    doc: 'Bytes of a partition above which old segments are removed; -1: no limit.',
  },
  'retention.ms': {
    type: 'long',
    default: String(7 * dayMs),
    min: -1,
    doc: 'Age from which segments are removed; -1: no limit.',
  },
  'segment.bytes': {
    type: 'int',
    broker: 'log.segment.bytes',
    default: String(1024 * 1024 * 1024),
    min: 14,
    max: intMax,
    doc: 'Size of a segment file.',
  },
  'segment.index.bytes': {
    type: 'int',
    broker: 'log.index.size.max.bytes',
    default: String(10 * 1024 * 1024),
    min: 4,
    max: intMax,
    doc: 'Largest size of an offset index.',
  },
  'segment.jitter.ms': { type: 'long', default: '0', min: 0, doc: 'Kept and shown; segments roll without jitter.' },
  'segment.ms': { type: 'long', default: String(7 * dayMs), min: 1, doc: 'Age at which a segment is closed.' },
  'unclean.leader.election.enable': {
    type: 'boolean',
    broker: 'unclean.leader.election.enable',
    default: 'false',
    doc: single,
  },
}

/** The config of that name. Clients send names such as `constructor`: what every object inherits is no config. */
export function topicConfigDefinition(name: string): TopicConfigDefinition | undefined {
  return Object.hasOwn(topicConfigDefinitions, name) ? topicConfigDefinitions[name] : undefined
}
