import { defaultBrokerConfig, type BrokerConfig } from './broker-config.ts'
import type { ConnectionLimits } from '../server/connection-limits.ts'
import { defaultCoordinatorConfig, type CoordinatorConfig } from '../coordinator/coordinator-config.ts'
import type { LogConfig } from '../../log/log-config.ts'

/*
 * The settings of the broker under Kafka's names (https://kafka.apache.org/documentation/#brokerconfigs), as one table:
 * `penstock broker --set`, the worker's `embedded.broker.*`, DescribeConfigs and the documentation derive from it. Only settings
 * that have an effect are listed.
 */

type SettingType = 'boolean' | 'int' | 'long' | 'double'
export type SettingValue = number | boolean

/** One setting, as data. */
export interface BrokerSetting {
  readonly type: SettingType
  /** In the unit of the setting. {@link noLimit} means no limit. */
  readonly defaultValue: SettingValue
  readonly least: number
  readonly most: number
  readonly doc: string
  /** The part of the config and its field; null when the setting has only one value. */
  readonly target: { readonly part: Part; readonly field: string; readonly unit: number } | null
  /** Whether the same field is also set, and shown, under another name. */
  readonly isAlias: boolean
}

/** The broker's config in parts. */
export interface Parts {
  readonly broker: BrokerConfig
  readonly connections: ConnectionLimits
  readonly log: LogConfig
  readonly coordinators: CoordinatorConfig
}
export type Part = keyof Parts

export const defaults: Parts = {
  broker: defaultBrokerConfig,
  connections: defaultBrokerConfig.connections,
  log: defaultBrokerConfig.log,
  coordinators: defaultCoordinatorConfig,
}
const intMax = 2_147_483_647
/** Long.MAX_VALUE, which means "never" or "no limit" in Kafka, as near as a number comes to it. */
export const noLimit = 2 ** 63
const [minuteMs, hourMs] = [60_000, 3_600_000]

interface Details {
  readonly doc: string
  readonly least?: number
  readonly most?: number
  /** The unit of the setting, in units of the field. */
  readonly unit?: number
  readonly isAlias?: boolean
}

function setting<P extends Part>(
  part: P,
  field: keyof Parts[P] & string,
  type: SettingType,
  { doc, least = 0, most = type === 'int' ? intMax : noLimit, unit = 1, isAlias = false }: Details,
): BrokerSetting {
  const value = (defaults[part] as unknown as Readonly<Record<string, SettingValue>>)[field] as SettingValue
  const defaultValue = typeof value !== 'number' ? value : value === Number.POSITIVE_INFINITY ? noLimit : value / unit
  return { type, defaultValue, least, most, doc, target: { part, field, unit }, isAlias }
}

/** Every setting, in the order in which it is applied: a finer unit of time wins, as in Kafka. */
export const brokerSettings: Readonly<Record<string, BrokerSetting>> = {
  'auto.create.topics.enable': setting('broker', 'autoCreateTopics', 'boolean', {
    doc: 'Whether a metadata request for an unknown topic creates it.',
  }),
  'connections.max.idle.ms': setting('connections', 'maxIdleMs', 'long', {
    doc: 'Connections that are idle for this long are closed.',
    least: 1000,
  }),
  'default.replication.factor': {
    type: 'int',
    defaultValue: 1,
    least: 1,
    most: 1,
    doc: 'The embedded broker keeps one copy of each partition.',
    target: null,
    isAlias: false,
  },
  'fetch.max.bytes': setting('broker', 'fetchMaxBytes', 'int', {
    doc: 'Maximum bytes of records in one Fetch response.',
    least: 1024,
  }),
  'group.coordinator.max.bytes': setting('coordinators', 'maxBytes', 'long', {
    doc: 'Maximum memory for all groups, their members and committed offsets (not a Kafka setting: Kafka has no limit). Above it, new members, groups and offsets are rejected. The last eighth is reserved for clients on this machine.',
    least: 1_048_576,
  }),
  'group.initial.rebalance.delay.ms': setting('coordinators', 'initialRebalanceDelayMs', 'int', {
    doc: 'How long the first rebalance of a group waits for more members to join.',
  }),
  'group.max.session.timeout.ms': setting('coordinators', 'maxSessionTimeoutMs', 'int', {
    doc: 'Maximum session timeout of a group member.',
  }),
  'group.max.size': setting('coordinators', 'maxGroupSize', 'int', {
    doc: 'Maximum number of members in one group.',
    least: 1,
  }),
  'group.min.session.timeout.ms': setting('coordinators', 'minSessionTimeoutMs', 'int', {
    doc: 'Minimum session timeout of a group member.',
  }),
  'log.cleaner.backoff.ms': setting('broker', 'compactionCheckMs', 'long', {
    doc: 'Interval between checks for compacted topics that need compaction.',
    least: 10,
  }),
  'log.cleaner.delete.retention.ms': setting('log', 'deleteRetentionMs', 'long', {
    doc: 'How long tombstones of a compacted topic are kept.',
  }),
  'log.cleaner.max.compaction.lag.ms': setting('log', 'maxCompactionLagMs', 'long', {
    doc: 'Maximum time that a record stays uncompacted.',
    least: 1,
  }),
  'log.cleaner.min.cleanable.ratio': setting('log', 'minCleanableDirtyRatio', 'double', {
    doc: 'Minimum share of uncompacted bytes at which a partition is compacted.',
    most: 1,
  }),
  'log.cleaner.min.compaction.lag.ms': setting('log', 'minCompactionLagMs', 'long', {
    doc: 'Minimum time that a record stays uncompacted.',
  }),
  'log.index.interval.bytes': setting('log', 'indexIntervalBytes', 'int', {
    doc: 'Bytes of records between two entries of the offset index.',
  }),
  'log.index.size.max.bytes': setting('log', 'segmentIndexBytes', 'int', {
    doc: 'Maximum size of an index file.',
    least: 4,
  }),
  'log.message.timestamp.after.max.ms': setting('log', 'timestampAfterMaxMs', 'long', {
    doc: 'How far the timestamp of a record may be in the future.',
  }),
  'log.message.timestamp.before.max.ms': setting('log', 'timestampBeforeMaxMs', 'long', {
    doc: 'How far the timestamp of a record may be in the past.',
  }),
  'log.retention.bytes': setting('log', 'retentionBytes', 'long', {
    doc: 'Size of a partition above which its oldest segments are deleted, for topics without retention.bytes. -1: no limit.',
    least: -1,
  }),
  'log.retention.check.interval.ms': setting('broker', 'retentionCheckMs', 'long', {
    doc: 'Interval between checks for segments that retention deletes.',
    least: 10,
  }),
  'log.retention.hours': setting('log', 'retentionMs', 'int', {
    doc: 'Same as log.retention.ms, in hours.',
    least: -1,
    unit: hourMs,
    isAlias: true,
  }),
  'log.retention.minutes': setting('log', 'retentionMs', 'int', {
    doc: 'Same as log.retention.ms, in minutes. Takes precedence over hours.',
    least: -1,
    unit: minuteMs,
    isAlias: true,
  }),
  'log.retention.ms': setting('log', 'retentionMs', 'long', {
    doc: 'Age at which segments are deleted, for topics without retention.ms. -1: no limit. Takes precedence over minutes and hours.',
    least: -1,
  }),
  'log.roll.hours': setting('log', 'segmentMs', 'int', {
    doc: 'Same as log.roll.ms, in hours.',
    least: 1,
    unit: hourMs,
    isAlias: true,
  }),
  'log.roll.ms': setting('log', 'segmentMs', 'long', {
    doc: 'Age at which a new segment is started, for topics without segment.ms. Takes precedence over hours.',
    least: 1,
  }),
  'log.segment.bytes': setting('log', 'segmentBytes', 'int', {
    doc: 'Maximum size of a segment file, for topics without segment.bytes. Retention and compaction do not touch the active segment.',
    least: 1024,
  }),
  'max.connections': setting('connections', 'maxConnections', 'int', {
    doc: 'Maximum number of connections. The last 64 are reserved for clients on this machine. Connections of the worker that owns the broker are not counted.',
    least: 1,
  }),
  'max.connections.per.ip': setting('connections', 'maxConnectionsPerIp', 'int', {
    doc: 'Maximum number of connections from one IP address.',
    least: 1,
  }),
  'message.max.bytes': setting('log', 'maxMessageBytes', 'int', {
    doc: 'Maximum size of a record batch after compression, for topics without max.message.bytes.',
  }),
  'num.partitions': setting('broker', 'defaultPartitions', 'int', {
    doc: 'Default number of partitions of a new topic.',
    least: 1,
    most: defaultBrokerConfig.maxPartitionsPerTopic,
  }),
  'offset.metadata.max.bytes': setting('coordinators', 'offsetMetadataMaxBytes', 'int', {
    doc: 'Maximum size of the metadata of a committed offset.',
  }),
  'offsets.retention.check.interval.ms': setting('coordinators', 'offsetsRetentionCheckMs', 'long', {
    doc: 'Interval between checks for expired offsets and unused groups.',
    least: 10,
  }),
  'offsets.retention.minutes': setting('coordinators', 'offsetsRetentionMs', 'int', {
    doc: 'How long the offsets of a group are kept after its last member has left.',
    least: 1,
    unit: minuteMs,
  }),
  'producer.id.expiration.ms': setting('log', 'producerIdExpirationMs', 'int', {
    doc: 'How long the sequence numbers of an idle idempotent producer are kept.',
    least: 1,
  }),
  'queued.max.request.bytes': setting('connections', 'queuedRequestBytes', 'long', {
    doc: 'Maximum memory for requests that were received and not yet processed. Above it, the broker stops reading from its connections.',
    least: 1_048_576,
  }),
  'socket.request.max.bytes': setting('connections', 'maxRequestBytes', 'int', {
    doc: 'Maximum size of a request. The limit for requests without records is 8 MiB.',
    least: 1024,
  }),
}
