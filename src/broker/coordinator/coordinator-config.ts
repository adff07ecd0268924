/** How groups are coordinated; Kafka's broker settings. Times in milliseconds. */
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
  /** Memory of all groups, their members and committed offsets; what is beyond is refused, not forgotten. */
  readonly maxBytes: number
  /** `offset.metadata.max.bytes` */
  readonly offsetMetadataMaxBytes: number
  /** `offsets.topic.num.partitions` */
  readonly offsetsTopicPartitions: number
  /**
   * Whether groups come up empty after a start, whoever was in them. The members of a log that lives inside a worker died
   * with it; waiting for their sessions to end would hold up their successors. Members that live join again by themselves.
   */
  readonly forgetsMembersAtStart: boolean
}

/**
 * Kafka's defaults, with two exceptions. Members of one machine come together quickly, so the first rebalance does not wait for
 * more of them. And a connector that was stopped for a week must not begin again from nothing: offsets stay for 90 days.
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
