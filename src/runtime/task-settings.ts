import { configWithPrefix } from '../config/definition/config-with-prefix.ts'
import type { RawConfig } from '../api/config-def.ts'
import { ConfigError } from '../api/errors.ts'
import type { GroupConsumerOptions } from '../client/group/group-consumer.ts'
import type { ProducerOptions } from '../client/producer/producer.ts'
import type { ClientSecurity } from '../config/worker/client-security.ts'
import type { WorkerConverter } from '../config/worker/worker-config.ts'

/** What all tasks of a worker share. Plain data: it crosses into task threads. */
export interface TaskSettings {
  readonly bootstrapServers: string
  readonly security: ClientSecurity
  readonly keyConverter: WorkerConverter
  readonly valueConverter: WorkerConverter
  readonly headerConverter: WorkerConverter
  readonly offsetTopic: string
  readonly offsetFlushIntervalMs: number
  readonly offsetFlushTimeoutMs: number
  /** How long the worker waits for tasks to end (`task.shutdown.graceful.timeout.ms`). */
  readonly gracefulMs: number
  /** The worker's `producer.*` settings, prefix taken off. */
  readonly producer: RawConfig
  /** The worker's `consumer.*` settings, prefix taken off. */
  readonly consumer: RawConfig
}

/**
 * The class and settings for one part of a record. A connector that names a converter class is on its own: the
 * worker's settings of that part do not reach it; one that names none takes the worker's choice whole.
 */
export function converterChoice(
  part: 'key' | 'value' | 'header',
  connectorConfig: RawConfig,
  ofWorker: WorkerConverter,
): WorkerConverter {
  const className = connectorConfig[`${part}.converter`]?.trim()
  const choice =
    className === undefined || className === ''
      ? ofWorker
      : { className, config: configWithPrefix(connectorConfig, `${part}.converter.`) }
  return { className: choice.className, config: { ...choice.config, 'converter.type': part } }
}

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A task's producer: the worker's `producer.*`, then the connector's `producer.override.*`. @throws ConfigError */
export function producerOptions(settings: TaskSettings, connectorConfig: RawConfig): ProducerOptions {
  const raw: RawConfig = { ...settings.producer, ...configWithPrefix(connectorConfig, 'producer.override.') }
  return {
    ...optional('compression', choice(raw, 'compression.type', codecs)),
    ...optional('batchSize', whole(raw, 'batch.size')),
    ...optional('lingerMs', whole(raw, 'linger.ms')),
    ...optional('bufferMemory', whole(raw, 'buffer.memory')),
    ...optional('maxRequestSize', whole(raw, 'max.request.size')),
  }
}

/** A whole number; undefined when the key is not there. @throws ConfigError */
export function whole(raw: RawConfig, key: string): number | undefined {
  const text = raw[key]
  if (text === undefined) return undefined
  const value = Number(text.trim())
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ConfigError(`Invalid value ${text} for ${key}: not a whole number`)
  return value
}

/** A property that is there only when it has a value. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
}

const offsetResets = ['earliest', 'latest', 'none'] as const
const isolations = ['read_committed', 'read_uncommitted'] as const

/** Records per poll; more than Kafka's 500, because every poll is one call of the task. */
const defaultMaxPollRecords = 2_000

/** A sink task's consumer: the worker's `consumer.*`, then the connector's `consumer.override.*`. @throws ConfigError */
export function consumerOptions(
  connector: string,
  settings: TaskSettings,
  connectorConfig: RawConfig,
): GroupConsumerOptions {
  const raw: RawConfig = { ...settings.consumer, ...configWithPrefix(connectorConfig, 'consumer.override.') }
  return {
    groupId: raw['group.id'] ?? `connect-${connector}`,
    maxPollRecords: whole(raw, 'max.poll.records') ?? defaultMaxPollRecords,
    ...optional('autoOffsetReset', choice(raw, 'auto.offset.reset', offsetResets)),
    ...optional('isolation', choice(raw, 'isolation.level', isolations)),
    ...optional('maxWaitMs', whole(raw, 'fetch.max.wait.ms')),
    ...optional('minBytes', whole(raw, 'fetch.min.bytes')),
    ...optional('maxBytes', whole(raw, 'fetch.max.bytes')),
    ...optional('maxPartitionBytes', whole(raw, 'max.partition.fetch.bytes')),
    ...optional('sessionTimeoutMs', whole(raw, 'session.timeout.ms')),
    ...optional('heartbeatIntervalMs', whole(raw, 'heartbeat.interval.ms')),
    ...optional('maxPollIntervalMs', whole(raw, 'max.poll.interval.ms')),
    ...optional('metadataMaxAgeMs', whole(raw, 'metadata.max.age.ms')),
  }
}

/** One of the words that a setting takes; undefined when the key is not there. @throws ConfigError */
function choice<T extends string>(raw: RawConfig, key: string, words: readonly T[]): T | undefined {
  const text = raw[key]?.trim()
  const word = words.find((known) => known === text)
  if (text !== undefined && word === undefined) {
    throw new ConfigError(`Invalid value ${text} for ${key}: one of ${words.join(', ')}`)
  }
  return word
}
