import type { GroupMemberOptions } from '../../client/group/group-member-options.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { WorkerGroupOptions } from '../../herder/group/worker-group.ts'
import type { SessionKeySettings } from '../../herder/internal/session-keys.ts'
import type { TaskSettings } from '../../runtime/task-settings.ts'
import type { BrokerAddress } from './embedded-broker.ts'

/** Metadata of the embedded broker is cheap, so new topics of `topics.regex` are found soon. */
const embeddedMetadataMaxAgeMs = '1000'

/** What tasks need of the config of their worker. */
export function taskSettings(
  config: WorkerConfig,
  broker: BrokerAddress,
  registry: Pick<TaskSettings, 'registryUrl'>,
): TaskSettings {
  return {
    ...broker,
    ...registry,
    workerGroup: config.groupId,
    keyConverter: config.keyConverter,
    valueConverter: config.valueConverter,
    headerConverter: config.headerConverter,
    offsetTopic: config.offsetTopic.name,
    offsetFlushIntervalMs: config.offsetFlushIntervalMs,
    offsetFlushTimeoutMs: config.offsetFlushTimeoutMs,
    gracefulMs: config.taskShutdownTimeoutMs,
    producer: config.producer,
    consumer: {
      ...(config.embedded === null ? {} : { 'metadata.max.age.ms': embeddedMetadataMaxAgeMs }),
      ...config.consumer,
    },
  }
}

/** How the group assigns. */
export function groupSettings({ parsed }: WorkerConfig): Pick<WorkerGroupOptions, 'protocol' | 'maxDelayMs'> {
  const protocol = parsed['connect.protocol']
  return {
    protocol: protocol === 'sessioned' || protocol === 'compatible' ? protocol : 'default',
    maxDelayMs: Number(parsed['scheduled.rebalance.max.delay.ms']),
  }
}

/** The keys with which workers sign their requests to each other. */
export function sessionKeySettings({ parsed }: WorkerConfig): SessionKeySettings {
  const keyBits = parsed['inter.worker.key.size'] ?? null
  return {
    generationAlgorithm: String(parsed['inter.worker.key.generation.algorithm']),
    keyBits: keyBits === null ? null : Number(keyBits),
    ttlMs: Number(parsed['inter.worker.key.ttl.ms']),
    signatureAlgorithm: String(parsed['inter.worker.signature.algorithm']),
    verificationAlgorithms: (parsed['inter.worker.verification.algorithms'] as readonly string[]) ?? [],
  }
}

/** The timeouts of the worker group. */
export function groupTimes({
  parsed,
}: WorkerConfig): Pick<GroupMemberOptions, 'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'heartbeatIntervalMs'> {
  return {
    sessionTimeoutMs: Number(parsed['session.timeout.ms']),
    rebalanceTimeoutMs: Number(parsed['rebalance.timeout.ms']),
    heartbeatIntervalMs: Number(parsed['heartbeat.interval.ms']),
  }
}
