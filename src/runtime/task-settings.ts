import { configWithPrefix } from '../config/definition/config-with-prefix.ts'
import type { ConfigValue, RawConfig } from '../api/config-def.ts'
import type { GroupConsumerOptions } from '../client/group/group-consumer-options.ts'
import type { ProducerOptions } from '../client/producer/producer.ts'
import { assignorNames } from '../config/worker/assignor-classes.ts'
import { parseClientSettings, type ClientSettings } from '../config/worker/client-overrides.ts'
import type { ClientSecurity } from '../config/worker/client-security.ts'
import type { TaskId } from '../config/connector/task-id.ts'
import { instanceIdOf } from './task-thread/sink/membership/instance-id.ts'
import type { WorkerConverter } from '../config/worker/worker-config.ts'

/** What all tasks of a worker share. Plain data: it crosses into task threads. */
export interface TaskSettings {
  /** The group of the workers (`group.id`). */
  readonly workerGroup: string
  readonly bootstrapServers: string
  readonly security: ClientSecurity
  readonly keyConverter: WorkerConverter
  readonly valueConverter: WorkerConverter
  readonly headerConverter: WorkerConverter
  /** The schema registry of converters that name none. Absent: the worker serves none that they can use. */
  readonly registryUrl?: string
  readonly offsetTopic: string
  readonly offsetFlushIntervalMs: number
  readonly offsetFlushTimeoutMs: number
  /** How long the worker waits for tasks to end (`task.shutdown.graceful.timeout.ms`). */
  readonly gracefulMs: number
  /** The worker's `producer.*` settings, without the prefix. */
  readonly producer: RawConfig
  /** The worker's `consumer.*` settings, without the prefix. */
  readonly consumer: RawConfig
}

/** The converters of a worker, for connectors that name none, and their schema registry. */
export type WorkerConverters = Pick<TaskSettings, 'keyConverter' | 'valueConverter' | 'headerConverter' | 'registryUrl'>

/**
 * How long a task may take to end by itself, in milliseconds. The rest of `gracefulMs` is for closing its client, before its
 * thread is ended.
 */
export function ownEndMs({ gracefulMs }: Pick<TaskSettings, 'gracefulMs'>): number {
  return gracefulMs * 0.8
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

/** The producer's options, by the settings that set them. */
const producerOptionNames = {
  'compression.type': 'compression',
  'batch.size': 'batchSize',
  'linger.ms': 'lingerMs',
  'buffer.memory': 'bufferMemory',
  'max.request.size': 'maxRequestSize',
} as const satisfies Readonly<Record<string, keyof ProducerOptions>>

/** The consumer's options, by the settings that set them. */
const consumerOptionNames = {
  'group.id': 'groupId',
  'group.instance.id': 'instanceId',
  'auto.offset.reset': 'autoOffsetReset',
  'isolation.level': 'isolation',
  'max.poll.records': 'maxPollRecords',
  'fetch.max.wait.ms': 'maxWaitMs',
  'fetch.min.bytes': 'minBytes',
  'fetch.max.bytes': 'maxBytes',
  'max.partition.fetch.bytes': 'maxPartitionBytes',
  'session.timeout.ms': 'sessionTimeoutMs',
  'heartbeat.interval.ms': 'heartbeatIntervalMs',
  'max.poll.interval.ms': 'maxPollIntervalMs',
  'metadata.max.age.ms': 'metadataMaxAgeMs',
  'partition.assignment.strategy': 'assignors',
} as const satisfies Readonly<Record<string, keyof GroupConsumerOptions>>

/** Records per poll; more than Kafka's 500, because every poll is one call of the task. */
const defaultMaxPollRecords = 2_000

/** Returns the options of a task's producer: `producer.*` of the worker, then `producer.override.*`. @throws ConfigError */
export function producerOptions(settings: TaskSettings, connectorConfig: RawConfig): ProducerOptions {
  return optionsOf({ client: 'producer', worker: settings.producer, connectorConfig }, producerOptionNames)
}

/** Returns the options of a task's consumer: `consumer.*` of the worker, then `consumer.override.*`. @throws ConfigError */
export function consumerOptions(id: TaskId, settings: TaskSettings, connectorConfig: RawConfig): GroupConsumerOptions {
  const given: ClientSettings = { client: 'consumer', worker: settings.consumer, connectorConfig }
  const { assignors, ...others } = optionsOf(given, consumerOptionNames)
  const options = others as Partial<GroupConsumerOptions>
  const named = options.instanceId
  return {
    groupId: `connect-${id.connector}`,
    maxPollRecords: defaultMaxPollRecords,
    ...options,
    ...(Array.isArray(assignors) ? { assignors: assignorNames(assignors) } : {}),
    instanceId: named === undefined ? instanceIdOf(settings.workerGroup, id, connectorConfig) : ofTask(named, id),
  }
}

/** An instance id of a connector's config is that of its first task: no two members can have the same. */
function ofTask(instanceId: string, { task }: TaskId): string {
  return task === 0 ? instanceId : `${instanceId}-${task}`
}

function optionsOf(
  settings: ClientSettings,
  names: Readonly<Record<string, string>>,
): Readonly<Record<string, ConfigValue>> {
  const parsed = parseClientSettings(settings, Object.keys(names))
  return Object.fromEntries(
    Object.entries(names).flatMap(([setting, option]) =>
      Object.hasOwn(parsed, setting) ? [[option, parsed[setting] ?? null]] : [],
    ),
  )
}
