/** How a topic config is written. */
export type TopicConfigType = 'boolean' | 'int' | 'long' | 'double' | 'list' | 'string'

/** One topic config, as data: everything that validates, stores or shows it derives from here. */
export interface TopicConfigDefinition {
  readonly type: TopicConfigType
  /** As it stands in DescribeConfigs. */
  readonly default: string
  readonly min?: number
  readonly max?: number
  /** The words that are allowed, for strings and lists. */
  readonly values?: readonly string[]
  readonly doc: string
}

const longMax = '9223372036854775807'
const intMax = 2_147_483_647
const dayMs = 86_400_000
const single = 'Kept and shown; without effect on a single broker.'
const asSent = 'Kept and shown; without effect: batches are stored as the producer sent them.'

/** Kafka's topic configs with Kafka's defaults; `max.message.bytes` is 16 MiB instead of 1 MiB. */
export const topicConfigDefinitions: Readonly<Record<string, TopicConfigDefinition>> = {
  'cleanup.policy': {
    type: 'list',
    default: 'delete',
    values: ['compact', 'delete'],
    doc: 'delete: old segments are removed by time or size; compact: only the last record of each key is kept; or both.',
  },
  'compression.type': {
    type: 'string',
    default: 'producer',
    values: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    doc: asSent,
  },
  'delete.retention.ms': {
    type: 'long',
    default: String(dayMs),
    min: 0,
    doc: 'How long tombstones of a compacted topic stay.',
  },
  'file.delete.delay.ms': {
    type: 'long',
    default: '60000',
    min: 0,
    doc: 'Kept and shown; segments are removed at once.',
  },
  'flush.messages': {
    type: 'long',
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
    default: '4096',
    min: 0,
    max: intMax,
    doc: 'Bytes of log between two entries of the offset index.',
  },
  'leader.replication.throttled.replicas': { type: 'list', default: '', doc: single },
  'local.retention.bytes': { type: 'long', default: '-2', min: -2, doc: single },
  'local.retention.ms': { type: 'long', default: '-2', min: -2, doc: single },
  'max.compaction.lag.ms': {
    type: 'long',
    default: longMax,
    min: 1,
    doc: 'How long a record may stay out of the reach of compaction.',
  },
  'max.message.bytes': {
    type: 'int',
    default: String(16 * 1024 * 1024),
    min: 0,
    max: intMax,
    doc: 'Largest record batch, after compression.',
  },
  'message.downconversion.enable': {
    type: 'boolean',
    default: 'true',
    doc: 'Kept and shown; old message formats are never served.',
  },
  'message.format.version': {
    type: 'string',
    default: '3.0-IV1',
    doc: 'Kept and shown; the format is always version 2.',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    default: '3600000',
    min: 0,
    doc: 'How far in the future the time of a record may lie.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    doc: 'How far in the past the time of a record may lie.',
  },
  'message.timestamp.difference.max.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    doc: 'Kept and shown; use the two above.',
  },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    values: ['CreateTime', 'LogAppendTime'],
    doc: "Whether a record has the producer's time or the broker's.",
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    default: '0.5',
    min: 0,
    max: 1,
    doc: 'Share of uncompacted bytes from which a topic is compacted.',
  },
  'min.compaction.lag.ms': { type: 'long', default: '0', min: 0, doc: 'How long a record stays uncompacted at least.' },
  'min.insync.replicas': { type: 'int', default: '1', min: 1, max: intMax, doc: single },
  preallocate: { type: 'boolean', default: 'false', doc: 'Kept and shown; files are never preallocated.' },
  'remote.storage.enable': {
    type: 'boolean',
    default: 'false',
    doc: 'There is no tiered storage: only false.',
    values: ['false'],
  },
  'retention.bytes': {
    type: 'long',
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
    default: String(1024 * 1024 * 1024),
    min: 14,
    max: intMax,
    doc: 'Size of a segment file.',
  },
  'segment.index.bytes': {
    type: 'int',
    default: String(10 * 1024 * 1024),
    min: 4,
    max: intMax,
    doc: 'Largest size of an offset index.',
  },
  'segment.jitter.ms': { type: 'long', default: '0', min: 0, doc: 'Kept and shown; segments roll without jitter.' },
  'segment.ms': { type: 'long', default: String(7 * dayMs), min: 1, doc: 'Age at which a segment is closed.' },
  'unclean.leader.election.enable': { type: 'boolean', default: 'false', doc: single },
}

/** The config of that name. Clients send names such as `constructor`: what every object inherits is no config. */
export function topicConfigDefinition(name: string): TopicConfigDefinition | undefined {
  return Object.hasOwn(topicConfigDefinitions, name) ? topicConfigDefinitions[name] : undefined
}
