/** The configuration of the group coordinator: Kafka's broker settings. Times in milliseconds. */
export interface CoordinatorConfig {
  /** `group.min.session.timeout.ms` */
  readonly minSessionTimeoutMs: number
  /** `group.max.session.timeout.ms` */
  readonly maxSessionTimeoutMs: number
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number
  /** `offsets.retention.minutes`, from when a group is empty. */
  readonly offsetsRetentionMs: number
  readonly offsetsRetentionCheckMs: number
  /** `group.max.size` */
  readonly maxGroupSize: number
  /** Maximum memory of all groups, their members and committed offsets. Beyond it, additions are rejected; nothing is dropped (I10). */
  readonly maxBytes: number
  /** `offset.metadata.max.bytes` */
  readonly offsetMetadataMaxBytes: number
  /** `offsets.topic.num.partitions` */
  readonly offsetsTopicPartitions: number
  /**
   * Whether groups are empty after a start. The members of a broker embedded in a worker ended with that worker, and waiting for
   * their sessions to time out would delay their successors. Members of other processes join again by themselves.
   */
  readonly forgetsMembersAtStart: boolean
}

/**
 * Kafka's defaults, with two exceptions. Members on one machine start at the same time, so the first rebalance does not wait for
 * more of them. Offsets are kept for 90 days, so that a connector that was stopped for weeks does not start over.
 */
export const defaultCoordinatorConfig: CoordinatorConfig = {
  minSessionTimeoutMs: 6000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 0,
  offsetsRetentionMs: 90 * 86_400_000,
  offsetsRetentionCheckMs: 600_000,
  maxGroupSize: 2_147_483_647,
  maxBytes: 32 * 1024 * 1024,
  offsetMetadataMaxBytes: 4096,
  offsetsTopicPartitions: 50,
  forgetsMembersAtStart: false,
}
