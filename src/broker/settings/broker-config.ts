import { defaultConnectionLimits, type ConnectionLimits } from '../server/connection-limits.ts'
import { defaultLogConfig, type LogConfig } from '../../log/log-config.ts'

/** The configuration of the embedded broker. Times in milliseconds, sizes in bytes. */
export interface BrokerConfig {
  /** The one node of the cluster. */
  readonly nodeId: number
  /** Whether a Metadata request creates unknown topics. */
  readonly autoCreateTopics: boolean
  /** Partitions of a topic that does not say how many. */
  readonly defaultPartitions: number
  /** Partitions one topic may have. */
  readonly maxPartitionsPerTopic: number
  /** Whether replication factors above 1 are reduced to 1, so that settings for clusters work; otherwise they are rejected. */
  readonly clampReplicationFactor: boolean
  /** Maximum bytes of records in one Fetch response. */
  readonly fetchMaxBytes: number
  readonly retentionCheckMs: number
  readonly compactionCheckMs: number
  readonly checkpointMs: number
  /** Descriptors that files of the logs may hold; by the limit of the process unless set. */
  readonly maxOpenFiles?: number
  readonly connections: ConnectionLimits
  /** Defaults for configs that a topic does not set. */
  readonly log: LogConfig
}

export const defaultBrokerConfig: BrokerConfig = {
  nodeId: 1,
  autoCreateTopics: true,
  defaultPartitions: 1,
  maxPartitionsPerTopic: 1000,
  clampReplicationFactor: true,
  fetchMaxBytes: 55 * 1024 * 1024,
  retentionCheckMs: 300_000,
  compactionCheckMs: 15_000,
  checkpointMs: 60_000,
  connections: defaultConnectionLimits,
  log: defaultLogConfig,
}
