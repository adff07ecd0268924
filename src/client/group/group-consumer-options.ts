import type { FetchOptions } from '../consumer/fetcher.ts'
import type { AssignorName } from './assignors/assignment-strategy.ts'

/** How to consume. The names of Kafka's settings are in brackets. */
export interface GroupConsumerOptions extends FetchOptions {
  readonly groupId: string
  /**
   * Where to start in partitions without a committed offset, and where to continue when a position is out of range or the
   * topic was created again (`auto.offset.reset`). By default a consumer starts at the beginning, and fails in the other cases.
   */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none'
  /** Identifies a static member (`group.instance.id`). */
  readonly instanceId?: string
  /** The assignors that this member offers, in order of preference (`partition.assignment.strategy`). */
  readonly assignors?: readonly AssignorName[]
  /** `max.poll.records` */
  readonly maxPollRecords?: number
  /** How long the coordinator waits for a heartbeat (`session.timeout.ms`). */
  readonly sessionTimeoutMs?: number
  /** `heartbeat.interval.ms`. */
  readonly heartbeatIntervalMs?: number
  /** Maximum time between two polls, and of a rebalance (`max.poll.interval.ms`). */
  readonly maxPollIntervalMs?: number
  /** How often topics are looked up again (`metadata.max.age.ms`), and so how soon a new matching topic is found. */
  readonly metadataMaxAgeMs?: number
  /** `allow.auto.create.topics`. */
  readonly allowAutoTopicCreation?: boolean
}
