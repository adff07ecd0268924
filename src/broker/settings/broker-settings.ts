import { defaultBrokerConfig, type BrokerConfig } from './broker-config.ts'
import type { ConnectionLimits } from '../server/connection-limits.ts'
import { defaultCoordinatorConfig, type CoordinatorConfig } from '../coordinator/coordinator-config.ts'
import type { LogConfig } from '../../log/log-config.ts'

/*
 * What an operator may set of the broker, under Kafka's names: one table, from which `penstock broker --set`, the worker's
 * `embedded.broker.*`, DescribeConfigs and the documentation derive. A setting stands here only where it has an effect.
 */

type SettingType = 'boolean' | 'int' | 'long' | 'double'
type SettingValue = number | boolean

/** One setting, as data. */
export interface BrokerSetting {
  readonly type: SettingType
  /** In the unit of the setting; numbers without limit are {@link noLimit}. */
  readonly defaultValue: SettingValue
  readonly least: number
  readonly most: number
  readonly doc: string
  /** The part of the config and its field; null where there is only one value. */
  readonly target: { readonly part: Part; readonly field: string; readonly unit: number } | null
  /** Whether the same field is also set, and shown, under another name. */
  readonly isAlias: boolean
}

/** The broker's config in parts. */
interface Parts {
  readonly broker: BrokerConfig
  readonly connections: ConnectionLimits
  readonly log: LogConfig
  readonly coordinators: CoordinatorConfig
}
type Part = keyof Parts

const defaults: Parts = {
  broker: defaultBrokerConfig,
  connections: defaultBrokerConfig.connections,
  log: defaultBrokerConfig.log,
  coordinators: defaultCoordinatorConfig,
}
const intMax = 2_147_483_647
/** What says "never" or "no limit" in Kafka: Long.MAX_VALUE, as near as a number comes to it. */
export const noLimit = 2 ** 63
const [minuteMs, hourMs] = [60_000, 3_600_000]

interface Bounds {
  readonly least?: number
  readonly most?: number
  /** How many of the field's units one of the setting's is. */
  readonly unit?: number
  readonly isAlias?: boolean
}

function setting<P extends Part>(
  part: P,
  field: keyof Parts[P] & string,
  type: SettingType,
  doc: string,
  { least = 0, most = type === 'int' ? intMax : noLimit, unit = 1, isAlias = false }: Bounds = {},
): BrokerSetting {
  const value = (defaults[part] as unknown as Readonly<Record<string, SettingValue>>)[field] as SettingValue
  const defaultValue = typeof value !== 'number' ? value : value === Number.POSITIVE_INFINITY ? noLimit : value / unit
  return { type, defaultValue, least, most, doc, target: { part, field, unit }, isAlias }
}

const anySize = { least: -1 }

/** Every setting, in the order in which it is applied: a finer unit of time wins, as in Kafka. */
export const brokerSettings: Readonly<Record<string, BrokerSetting>> = {
  'auto.create.topics.enable': setting(
    'broker',
    'autoCreateTopics',
    'boolean',
    'Whether a client that asks for a topic creates it.',
  ),
  'connections.max.idle.ms': setting(
    'connections',
    'maxIdleMs',
    'long',
    'Connections on which nothing happens for so long are closed.',
    { least: 1000 },
  ),
  'default.replication.factor': {
    type: 'int',
    defaultValue: 1,
    least: 1,
    most: 1,
    doc: 'The embedded log keeps one copy of everything.',
    target: null,
    isAlias: false,
  },
  'fetch.max.bytes': setting('broker', 'fetchMaxBytes', 'int', 'Bytes of records that one Fetch responds with.', {
    least: 1024,
  }),
  'group.coordinator.max.bytes': setting(
    'coordinators',
    'maxBytes',
    'long',
    'Memory for all groups, their members and committed offsets (ours; Kafka has no bound). Above it, no member, group or offset is added; the last eighth is for clients of this machine.',
    { least: 1_048_576 },
  ),
  'group.initial.rebalance.delay.ms': setting(
    'coordinators',
    'initialRebalanceDelayMs',
    'int',
    'How long the first rebalance of a group waits for more members.',
  ),
  'group.max.session.timeout.ms': setting(
    'coordinators',
    'maxSessionTimeoutMs',
    'int',
    'Longest session timeout that a member may ask for.',
  ),
  'group.max.size': setting('coordinators', 'maxGroupSize', 'int', 'Members of one group at most.', { least: 1 }),
  'group.min.session.timeout.ms': setting(
    'coordinators',
    'minSessionTimeoutMs',
    'int',
    'Shortest session timeout that a member may ask for.',
  ),
  'log.cleaner.backoff.ms': setting(
    'broker',
    'compactionCheckMs',
    'long',
    'How often compacted topics are looked through.',
    { least: 10 },
  ),
  'log.cleaner.delete.retention.ms': setting(
    'log',
    'deleteRetentionMs',
    'long',
    'How long tombstones of a compacted topic stay.',
  ),
  'log.cleaner.max.compaction.lag.ms': setting(
    'log',
    'maxCompactionLagMs',
    'long',
    'How long a record may stay uncompacted.',
    { least: 1 },
  ),
  'log.cleaner.min.cleanable.ratio': setting(
    'log',
    'minCleanableDirtyRatio',
    'double',
    'Share of uncompacted bytes from which a topic is compacted.',
    { most: 1 },
  ),
  'log.cleaner.min.compaction.lag.ms': setting(
    'log',
    'minCompactionLagMs',
    'long',
    'How long a record stays uncompacted at least.',
  ),
  'log.index.interval.bytes': setting(
    'log',
    'indexIntervalBytes',
    'int',
    'Bytes of log between two entries of the offset index.',
  ),
  'log.index.size.max.bytes': setting('log', 'segmentIndexBytes', 'int', 'Largest size of an offset index.', {
    least: 4,
  }),
  'log.message.timestamp.after.max.ms': setting(
    'log',
    'timestampAfterMaxMs',
    'long',
    'How far in the future the time of a record may lie.',
  ),
  'log.message.timestamp.before.max.ms': setting(
    'log',
    'timestampBeforeMaxMs',
    'long',
    'How far in the past the time of a record may lie.',
  ),
  'log.retention.bytes': setting(
    'log',
    'retentionBytes',
    'long',
    'Bytes of a partition above which old segments are deleted, for topics that set no retention.bytes; -1: no limit.',
    anySize,
  ),
  'log.retention.check.interval.ms': setting(
    'broker',
    'retentionCheckMs',
    'long',
    'How often retention looks for segments to delete.',
    { least: 10 },
  ),
  'log.retention.hours': setting('log', 'retentionMs', 'int', 'As log.retention.ms, in hours.', {
    ...anySize,
    unit: hourMs,
    isAlias: true,
  }),
  'log.retention.minutes': setting('log', 'retentionMs', 'int', 'As log.retention.ms, in minutes; wins over hours.', {
    ...anySize,
    unit: minuteMs,
    isAlias: true,
  }),
  'log.retention.ms': setting(
    'log',
    'retentionMs',
    'long',
    'Age from which segments are deleted, for topics that set no retention.ms; -1: no limit. Wins over minutes and hours.',
    anySize,
  ),
  'log.roll.hours': setting('log', 'segmentMs', 'int', 'As log.roll.ms, in hours.', {
    least: 1,
    unit: hourMs,
    isAlias: true,
  }),
  'log.roll.ms': setting(
    'log',
    'segmentMs',
    'long',
    'Age at which a segment is closed, for topics that set no segment.ms. Wins over hours.',
    { least: 1 },
  ),
  'log.segment.bytes': setting(
    'log',
    'segmentBytes',
    'int',
    'Size of a segment file, for topics that set no segment.bytes. Only closed segments are deleted or compacted.',
    { least: 1024 },
  ),
  'max.connections': setting(
    'connections',
    'maxConnections',
    'int',
    'Connections at most. The last 64 are for clients of this machine; those of the worker that the broker belongs to are not counted.',
    { least: 1 },
  ),
  'max.connections.per.ip': setting(
    'connections',
    'maxConnectionsPerIp',
    'int',
    'Connections of one address at most.',
    { least: 1 },
  ),
  'message.max.bytes': setting(
    'log',
    'maxMessageBytes',
    'int',
    'Largest record batch, after compression, for topics that set no max.message.bytes.',
  ),
  'num.partitions': setting(
    'broker',
    'defaultPartitions',
    'int',
    'Partitions of a topic whose creator does not say how many.',
    { least: 1, most: defaultBrokerConfig.maxPartitionsPerTopic },
  ),
  'offset.metadata.max.bytes': setting(
    'coordinators',
    'offsetMetadataMaxBytes',
    'int',
    'Largest metadata of a committed offset.',
  ),
  'offsets.retention.check.interval.ms': setting(
    'coordinators',
    'offsetsRetentionCheckMs',
    'long',
    'How often expired offsets and groups without members and offsets are forgotten.',
    { least: 10 },
  ),
  'offsets.retention.minutes': setting(
    'coordinators',
    'offsetsRetentionMs',
    'int',
    'How long the offsets of a group are kept from when its last member left.',
    { least: 1, unit: minuteMs },
  ),
  'producer.id.expiration.ms': setting(
    'log',
    'producerIdExpirationMs',
    'int',
    'When the sequence numbers of an idle idempotent producer are forgotten.',
    { least: 1 },
  ),
  'queued.max.request.bytes': setting(
    'connections',
    'queuedRequestBytes',
    'long',
    'Memory for requests that are received and not yet responded to. Above it, nothing more is read.',
    { least: 1_048_576 },
  ),
  'socket.request.max.bytes': setting(
    'connections',
    'maxRequestBytes',
    'int',
    'Largest request. One without records has 8 MiB at most.',
    { least: 1024 },
  ),
}

/** Settings given by name, as they become a broker's config. */
export interface SettledBroker {
  readonly config: Partial<BrokerConfig>
  readonly coordinators: Partial<CoordinatorConfig>
}

/**
 * The config with what is set of it.
 * @param values by name; text as a user wrote it.
 * @throws RangeError that names a setting which is unknown, or whose value it does not take.
 */
export function settledBroker(values: Readonly<Record<string, string | number | boolean>>): SettledBroker {
  const changed: Record<Part, Record<string, SettingValue>> = { broker: {}, connections: {}, log: {}, coordinators: {} }
  for (const name of Object.keys(values)) if (!isBrokerSetting(name)) throw new RangeError(`${name} is not a setting`)
  for (const [name, { target, type }] of Object.entries(brokerSettings)) {
    const given = values[name]
    if (given === undefined) continue
    const value = parsedValue(name, String(given).trim())
    if (target === null) continue
    const { part, field, unit } = target
    changed[part][field] = type === 'boolean' ? value : inField(value as number, unit)
  }
  const { broker, connections, log, coordinators } = changed
  requireOrder(coordinators)
  const config = {
    ...broker,
    connections: { ...defaults.connections, ...connections },
    log: { ...defaults.log, ...log },
  }
  return { config, coordinators }
}

/** Whether there is a setting of that name; what every object inherits is none. */
export function isBrokerSetting(name: string): boolean {
  return Object.hasOwn(brokerSettings, name)
}

/** What every setting is in a config, under its name. */
export function settingTexts(config: BrokerConfig, coordinators: CoordinatorConfig): readonly [string, string][] {
  const parts: Parts = { broker: config, connections: config.connections, log: config.log, coordinators }
  return Object.entries(brokerSettings).flatMap(([name, { target, defaultValue, isAlias }]) => {
    if (isAlias) return []
    if (target === null) return [[name, String(defaultValue)]]
    const { part, field, unit } = target
    const value = (parts[part] as unknown as Readonly<Record<string, SettingValue>>)[field] as SettingValue
    return [[name, typeof value === 'number' ? numberText(value / unit) : String(value)]]
  })
}

/** A number as Kafka writes it. */
export function numberText(value: number): string {
  return value >= noLimit ? '9223372036854775807' : String(value)
}

function parsedValue(name: string, text: string): SettingValue {
  const { type, least, most, doc } = brokerSettings[name] as BrokerSetting
  if (type === 'boolean') {
    if (!/^(?:true|false)$/i.test(text)) throw new RangeError(`${name}=${text} is neither true nor false`)
    return text.toLowerCase() === 'true'
  }
  const number = Number(text)
  const isNumber = type === 'double' ? text !== '' && Number.isFinite(number) : /^-?\d+$/.test(text)
  if (isNumber && number >= least && number <= most) return number
  if (least === most) throw new RangeError(`${name}=${text} can only be ${least}: ${doc}`)
  const kind = type === 'double' ? 'a number' : 'a whole number'
  const range = most === noLimit ? `of at least ${least}` : `from ${least} to ${most}`
  throw new RangeError(`${name}=${text} is not ${kind} ${range}`)
}

/** -1 is no limit in every unit. */
function inField(value: number, unit: number): number {
  if (value < 0) return value
  return value > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value * unit
}

function requireOrder(changed: Readonly<Partial<Record<keyof CoordinatorConfig, SettingValue>>>): void {
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = { ...defaults.coordinators, ...changed }
  if (minSessionTimeoutMs > maxSessionTimeoutMs)
    throw new RangeError('group.min.session.timeout.ms is above group.max.session.timeout.ms')
}
