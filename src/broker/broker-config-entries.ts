import type { BrokerConfig } from './broker-config.ts'
import type { TopicConfigType } from './topic-config-definitions.ts'

/** The broker's configs under Kafka's names. */
export function brokerConfigEntries(
  config: BrokerConfig,
): { readonly name: string; readonly value: string; readonly type: TopicConfigType }[] {
  return [
    { name: 'auto.create.topics.enable', value: String(config.autoCreateTopics), type: 'boolean' },
    { name: 'broker.id', value: String(config.nodeId), type: 'int' },
    { name: 'connections.max.idle.ms', value: String(config.connections.maxIdleMs), type: 'long' },
    { name: 'default.replication.factor', value: '1', type: 'int' },
    { name: 'fetch.max.bytes', value: String(config.fetchMaxBytes), type: 'int' },
    { name: 'log.cleaner.backoff.ms', value: String(config.compactionCheckMs), type: 'long' },
    { name: 'log.retention.check.interval.ms', value: String(config.retentionCheckMs), type: 'long' },
    { name: 'log.retention.ms', value: String(config.log.retentionMs), type: 'long' },
    { name: 'log.segment.bytes', value: String(config.log.segmentBytes), type: 'int' },
    { name: 'max.connections', value: String(config.connections.maxConnections), type: 'int' },
    { name: 'max.connections.per.ip', value: String(config.connections.maxConnectionsPerIp), type: 'int' },
    { name: 'message.max.bytes', value: String(config.log.maxMessageBytes), type: 'int' },
    { name: 'min.insync.replicas', value: '1', type: 'int' },
    { name: 'node.id', value: String(config.nodeId), type: 'int' },
    { name: 'num.partitions', value: String(config.defaultPartitions), type: 'int' },
    { name: 'process.roles', value: 'broker,controller', type: 'list' },
    { name: 'queued.max.request.bytes', value: String(config.connections.queuedRequestBytes), type: 'long' },
    { name: 'socket.request.max.bytes', value: String(config.connections.maxRequestBytes), type: 'int' },
  ]
}
