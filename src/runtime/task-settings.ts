import type { RawConfig } from '../api/config-def.ts'
import { ConfigError } from '../api/errors.ts'
import type { ProducerOptions } from '../client/producer.ts'
import type { Security } from '../client/security.ts'

/** A converter class with its own settings, prefix taken off. */
export interface ConverterChoice {
  readonly className: string
  readonly config: RawConfig
}

/** What all tasks of a worker share. Plain data: it crosses into task threads. */
export interface TaskSettings {
  readonly bootstrapServers: string
  readonly security: Security | null
  readonly keyConverter: ConverterChoice
  readonly valueConverter: ConverterChoice
  readonly headerConverter: ConverterChoice
  readonly offsetTopic: string
  readonly offsetFlushIntervalMs: number
  readonly offsetFlushTimeoutMs: number
  /** The worker's `producer.*` settings, prefix taken off. */
  readonly producer: RawConfig
  /** The worker's `consumer.*` settings, prefix taken off. */
  readonly consumer: RawConfig
}

/** The settings below `prefix` (which ends with a dot), prefix taken off. */
export function below(config: RawConfig, prefix: string): RawConfig {
  const entries = Object.entries(config).filter(([key]) => key.startsWith(prefix))
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]))
}

/**
 * The class and settings for one part of a record. A connector that names a converter class is on its own: the
 * worker's settings of that part do not reach it; one that names none takes the worker's choice whole.
 */
export function converterChoice(
  part: 'key' | 'value' | 'header',
  connectorConfig: RawConfig,
  ofWorker: ConverterChoice,
): ConverterChoice {
  const className = connectorConfig[`${part}.converter`]?.trim()
  const choice =
    className === undefined || className === ''
      ? ofWorker
      : { className, config: below(connectorConfig, `${part}.converter.`) }
  return { className: choice.className, config: { ...choice.config, 'converter.type': part } }
}

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A task's producer: the worker's `producer.*`, then the connector's `producer.override.*`. @throws ConfigError */
export function producerOptions(settings: TaskSettings, connectorConfig: RawConfig): ProducerOptions {
  const raw: RawConfig = { ...settings.producer, ...below(connectorConfig, 'producer.override.') }
  const codec = raw['compression.type']
  const compression = codecs.find((name) => name === codec)
  if (codec !== undefined && compression === undefined) {
    throw new ConfigError(`Invalid value ${codec} for compression.type of the producer: one of ${codecs.join(', ')}`)
  }
  return {
    ...(compression === undefined ? {} : { compression }),
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
