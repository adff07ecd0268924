import { defaultLogConfig, type LogConfig } from '../log/log-config.ts'
import {
  topicConfigDefinition,
  topicConfigDefinitions,
  type TopicConfigDefinition,
  type TopicConfigType,
} from './topic-config-definitions.ts'

/** What a topic sets itself, as text; everything else is the default. */
export type TopicOverrides = Readonly<Record<string, string>>

/** A config of a topic as DescribeConfigs shows it. */
export interface EffectiveTopicConfig {
  readonly name: string
  readonly value: string
  readonly isDefault: boolean
  /** The broker's config that is the default, with its value; null where Kafka names none. */
  readonly inherited: { readonly name: string; readonly value: string } | null
  readonly type: TopicConfigType
  readonly doc: string
}

/** What is wrong with a config; null when nothing is. The texts are Kafka's. */
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

/** Whether a config is a list: only those can be appended to. Null when there is no such config. */
export function isListConfig(name: string): boolean | null {
  const definition = topicConfigDefinition(name)
  return definition === undefined ? null : definition.type === 'list'
}

/** All configs of a topic, in the order of their names. */
export function effectiveTopicConfigs(overrides: TopicOverrides): EffectiveTopicConfig[] {
  return Object.entries(topicConfigDefinitions).map(([name, definition]) => ({
    name,
    value: overrides[name] ?? definition.default,
    isDefault: overrides[name] === undefined,
    inherited: definition.broker === undefined ? null : { name: definition.broker, value: definition.default },
    type: definition.type,
    doc: definition.doc,
  }))
}

/** How the partitions of a topic are kept. The overrides must be valid. */
export function logConfigOf(overrides: TopicOverrides, base: LogConfig = defaultLogConfig): LogConfig {
  const number = (name: string, otherwise: number): number => {
    const value = overrides[name]
    if (value === undefined) return otherwise
    const parsed = Number(value)
    // Long.MAX_VALUE and its neighbours say "never".
    return parsed > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : parsed
  }
  const policies = listOf(overrides['cleanup.policy'] ?? 'delete')
  return {
    ...base,
    segmentBytes: number('segment.bytes', base.segmentBytes),
    segmentMs: number('segment.ms', base.segmentMs),
    segmentIndexBytes: number('segment.index.bytes', base.segmentIndexBytes),
    indexIntervalBytes: number('index.interval.bytes', base.indexIntervalBytes),
    maxMessageBytes: number('max.message.bytes', base.maxMessageBytes),
    delete: policies.includes('delete'),
    compact: policies.includes('compact'),
    retentionMs: number('retention.ms', base.retentionMs),
    retentionBytes: number('retention.bytes', base.retentionBytes),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio', base.minCleanableDirtyRatio),
    minCompactionLagMs: number('min.compaction.lag.ms', base.minCompactionLagMs),
    maxCompactionLagMs: number('max.compaction.lag.ms', base.maxCompactionLagMs),
    deleteRetentionMs: number('delete.retention.ms', base.deleteRetentionMs),
    timestampType: overrides['message.timestamp.type'] === 'LogAppendTime' ? 1 : 0,
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms', base.timestampBeforeMaxMs),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms', base.timestampAfterMaxMs),
  }
}
