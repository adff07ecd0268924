import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { PositionReset } from '../consumer/position-reset.ts'
import type { LogTrouble } from '../log-trouble.ts'
import type { GroupOffset } from './group-offsets.ts'

/** Why partitions are revoked. */
export interface Revocation {
  /** Whether they may belong to another member already. Commits are rejected then. */
  readonly lost: boolean
  readonly reason: string
}

/**
 * What a consumer reports to its owner. All but the last are called inside `poll`, the first two as those of Kafka's
 * [ConsumerRebalanceListener](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/ConsumerRebalanceListener.html).
 */
export interface ConsumerListener {
  /**
   * Partitions were assigned, in addition to those that were kept. Receives the offset of the next record of each; with the metadata
   * of the committed offset, if it is that.
   */
  readonly onAssigned: (offsets: readonly GroupOffset[]) => Promise<void> | void
  /** Partitions are revoked. Flush and commit here: the rebalance continues when the promise resolves. */
  readonly onRevoked: (partitions: readonly TopicPartition[], revocation: Revocation) => Promise<void> | void
  /** Reading does not continue where it was to. Called inside `poll`, before it returns records from the new position. */
  readonly onReset?: (reset: PositionReset) => Promise<void> | void
  /** Records cannot be read, which is retried; null when they can be read again. Must not throw. */
  readonly onTrouble?: (trouble: LogTrouble | null) => void
}
