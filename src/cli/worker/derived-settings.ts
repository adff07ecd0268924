import type { GroupMemberOptions } from '../../client/group/group-member.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { TaskSettings } from '../../runtime/task-settings.ts'
import type { BrokerAddress } from './embedded-broker.ts'

/** Metadata of the embedded broker is cheap, so new topics of `topics.regex` are found soon. */
const embeddedMetadataMaxAgeMs = '1000'

/** What tasks need of the config of their worker. */
export function taskSettings(config: WorkerConfig, broker: BrokerAddress): TaskSettings {
  return {
    ...broker,
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
