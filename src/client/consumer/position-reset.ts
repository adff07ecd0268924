import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { ResetPolicy } from './out-of-range.ts'

/** A partition is not read on from its position, but from where the policy says (`auto.offset.reset`). */
export interface PositionReset extends TopicPartition {
  /**
   * - `removed`: the records at the position were deleted before they were read.
   * - `truncated`: the log ends before the position.
   * - `recreated`: the topic was deleted and created again.
   */
  readonly reason: 'removed' | 'truncated' | 'recreated'
  readonly policy: ResetPolicy
  /** The offset that was to be read next. */
  readonly from: number
  /** The offset that is read next; null before it is known, which is so when the partition is about to be assigned again. */
  readonly to: number | null
  /** The log start offset; null if it is not known. */
  readonly logStartOffset: number | null
}

/** The number of offsets of the current log that are not read: deleted ones, and those that `latest` skips. */
export function skippedOffsets({ reason, from, to, logStartOffset }: PositionReset): number {
  if (to === null) return 0
  return Math.max(0, to - (reason === 'removed' ? from : (logStartOffset ?? 0)))
}
