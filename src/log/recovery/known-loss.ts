import { basename } from 'node:path'
import type { LogConfig } from '../log-config.ts'
import type { PartitionCheckpoint } from './partition-checkpoint.ts'
import type { SegmentPlace } from '../segment/segment-files.ts'

/** The options for loading a partition. */
export interface LoadOptions extends SegmentPlace {
  readonly config: LogConfig
}

/** The evidence about a partition in the files beside its segments. */
export interface Evidence {
  /** Null without a checkpoint that can be read. */
  readonly checkpoint: PartitionCheckpoint | null
  /** Everything below it was durable: the recovery point, or the offset of the newest producer snapshot. */
  readonly durableEnd: number
  /** Offsets below it were assigned: the end of what an earlier recovery cut off and kept. */
  readonly keptEnd: number
}

/**
 * Returns the meaning of missing offsets from `from` on.
 * - `hole`: compaction removed the records.
 * - `loss`: they were durable and are lost.
 * - `tail`: nothing proves that they were durable. A power failure leaves such gaps before records that were not acknowledged.
 */
export type Gap = 'hole' | 'loss' | 'tail'

/** Returns why offsets are missing. Without a checkpoint, a compacted partition may have gaps anywhere. */
export function gapAt(from: number, { checkpoint, durableEnd, keptEnd }: Evidence, config: LogConfig): Gap {
  const mayHaveHoles = config.compact || (checkpoint?.compactedOffset ?? 0) > 0
  if (mayHaveHoles && (checkpoint === null || from < durableEnd)) return 'hole'
  return from < Math.max(durableEnd, keptEnd) ? 'loss' : 'tail'
}

/** Logs that acknowledged records are missing. The partition opens: the rest can be read, and no offset is assigned again (I5). */
export function reportLoss(
  { directory, logger }: LoadOptions,
  loss: {
    readonly from: number
    readonly to: number
    readonly reason: string
    readonly path?: string
    /** The file with the bytes that were cut off. */
    readonly keptIn?: string
  },
): void {
  logger.error('LOG_RECORDS_LOST: acknowledged records of a partition are missing or cannot be read', {
    partition: basename(directory),
    firstOffset: loss.from,
    lastOffset: loss.to - 1,
    reason: loss.reason,
    path: loss.path ?? directory,
    ...(loss.keptIn === undefined ? {} : { keptIn: loss.keptIn }),
    action:
      'stop the broker and put the missing files back from a copy; otherwise the records stay lost, and consumers continue after them',
  })
}
