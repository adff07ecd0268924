import { defaultLogConfig, type LogConfig } from '../../log/log-config.ts'
import { numberText } from './broker-settings.ts'
import {
  topicConfigDefinition,
  topicConfigDefinitions,
  type TopicConfigDefinition,
  type TopicConfigType,
} from './topic-config-definitions.ts'

/** The configs that a topic sets, as text. The others have their defaults. */
export type TopicOverrides = Readonly<Record<string, string>>

/** A config of a topic as DescribeConfigs shows it. */
export interface EffectiveTopicConfig {
  readonly name: string
  readonly value: string
  /** The source of the value: the topic, a setting of the broker, or the default. */
  readonly source: 'topic' | 'broker' | 'default'
  /** The values that apply if the topic sets none, in order of precedence: the broker's settings. */
  readonly inherited: readonly {
    readonly name: string
    readonly value: string
    readonly source: 'broker' | 'default'
  }[]
  readonly type: TopicConfigType
  readonly doc: string
}

/** Returns why the value of a config is invalid; null when it is valid. The texts are Kafka's. */
export function topicConfigFault(name: string, value: string | null): string | null {
  const definition = topicConfigDefinition(name)
  if (definition === undefined) return `Unknown topic config name: ${name}`
  if (value === null) return `Null value not supported for topic configs: ${name}`
  const reason = valueFault(definition, value.trim())
  return reason === null ? null : `Invalid value ${value} for configuration ${name}: ${reason}`
}

function valueFault(definition: TopicConfigDefinition, value: string): string | null {
  const { values } = definition
  switch (definition.type) {
    case 'boolean':
      if (!/^(true|false)$/i.test(value)) return 'Expected value to be either true or false'
      return values !== undefined && !values.includes(value.toLowerCase()) ? `Value must be ${values.join(', ')}` : null
    case 'string':
      return values === undefined || values.includes(value) ? null : `String must be one of: ${values.join(', ')}`
    case 'list': {
      const wrong = listOf(value).find((item) => values !== undefined && !values.includes(item))
      if (wrong !== undefined) return `String must be one of: ${values?.join(', ') ?? ''}`
      return values !== undefined && listOf(value).length === 0 ? 'List must not be empty' : null
    }
    default:
      return numberFault(definition, value)
  }
}

function numberFault(definition: TopicConfigDefinition, value: string): string | null {
  const isWhole = definition.type !== 'double'
  const pattern = isWhole ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
  if (!pattern.test(value)) return `Not a number of type ${definition.type.toUpperCase()}`
  const number = Number(value)
  if (definition.min !== undefined && number < definition.min) return `Value must be at least ${definition.min}`
  if (definition.max !== undefined && number > definition.max) return `Value must be no more than ${definition.max}`
  return null
}

/** The items of a list: cut at commas, without blanks. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Returns whether a config is a list, to which values can be appended; null when there is no such config. */
export function isListConfig(name: string): boolean | null {
  const definition = topicConfigDefinition(name)
  return definition === undefined ? null : definition.type === 'list'
}

/** The broker's settings of topic configs for which Kafka shows none unless it is set. */
const unshownSettings: Readonly<Record<string, string>> = {
  'retention.ms': 'log.retention.ms',
  'segment.ms': 'log.roll.ms',
}

/**
 * All configs of a topic, in the order of their names.
 * @param base how partitions are kept whose topics set nothing.
 */
export function effectiveTopicConfigs(overrides: TopicOverrides, base: LogConfig): EffectiveTopicConfig[] {
  return Object.entries(topicConfigDefinitions).map(([name, definition]) => {
    const { default: value, broker, type, doc } = definition
    const set = settingOf(name, base)
    const inherited: EffectiveTopicConfig['inherited'] = [
      ...(set === null
        ? []
        : [{ name: broker ?? unshownSettings[name] ?? name, value: set, source: 'broker' as const }]),
      ...(broker === undefined ? [] : [{ name: broker, value, source: 'default' as const }]),
    ]
    const own = overrides[name]
    const source = own !== undefined ? 'topic' : set !== null ? 'broker' : 'default'
    return { name, value: own ?? set ?? value, source, inherited, type, doc }
  })
}

/** The numeric configs, and their fields in LogConfig. */
const numberFields: Readonly<Record<string, NumberField>> = {
  'delete.retention.ms': 'deleteRetentionMs',
  'index.interval.bytes': 'indexIntervalBytes',
  'max.compaction.lag.ms': 'maxCompactionLagMs',
  'max.message.bytes': 'maxMessageBytes',
  'message.timestamp.after.max.ms': 'timestampAfterMaxMs',
  'message.timestamp.before.max.ms': 'timestampBeforeMaxMs',
  'min.cleanable.dirty.ratio': 'minCleanableDirtyRatio',
  'min.compaction.lag.ms': 'minCompactionLagMs',
  'retention.bytes': 'retentionBytes',
  'retention.ms': 'retentionMs',
  'segment.bytes': 'segmentBytes',
  'segment.index.bytes': 'segmentIndexBytes',
  'segment.ms': 'segmentMs',
}
type NumberField = { [F in keyof LogConfig]: LogConfig[F] extends boolean | 0 | 1 ? never : F }[keyof LogConfig]

/** Returns the value of a topic config in the settings of the broker; null when only the default applies. */
function settingOf(name: string, base: LogConfig): string | null {
  const field = numberFields[name]
  return field === undefined || base[field] === defaultLogConfig[field] ? null : numberText(base[field])
}

/** Returns the configuration of the partition logs of a topic. The overrides must be valid. */
export function logConfigOf(overrides: TopicOverrides, base: LogConfig = defaultLogConfig): LogConfig {
  const numbers: Partial<Record<NumberField, number>> = {}
  for (const [name, field] of Object.entries(numberFields)) {
    const value = overrides[name]
    if (value === undefined) continue
    const parsed = Number(value)
    // Long.MAX_VALUE and its neighbours say "never".
    numbers[field] = parsed > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : parsed
  }
  const policies = listOf(overrides['cleanup.policy'] ?? 'delete')
  return {
    ...base,
    ...numbers,
    delete: policies.includes('delete'),
    compact: policies.includes('compact'),
    timestampType: overrides['message.timestamp.type'] === 'LogAppendTime' ? 1 : 0,
  }
}
