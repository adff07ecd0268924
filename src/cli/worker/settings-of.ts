import type { GroupMemberOptions } from '../../client/group/group-member.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { TaskSettings } from '../../runtime/task-settings.ts'

/** On the embedded log looking up topics is cheap: those of `topics.regex` are found soon. */
const embeddedMetadataMaxAgeMs = '1000'

/** What the tasks of a worker need of its config. `security` is that of the log, embedded or not. */
export function taskSettings(config: WorkerConfig, bootstrapServers: string, security: ClientSecurity): TaskSettings {
  return {
    bootstrapServers,
    security,
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

/** The times of the worker group. */
export function groupTimes({
  parsed,
}: WorkerConfig): Pick<GroupMemberOptions, 'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'heartbeatIntervalMs'> {
  return {
    sessionTimeoutMs: Number(parsed['session.timeout.ms']),
    rebalanceTimeoutMs: Number(parsed['rebalance.timeout.ms']),
    heartbeatIntervalMs: Number(parsed['heartbeat.interval.ms']),
  }
}
