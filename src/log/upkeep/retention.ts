import type { LogConfig } from '../log-config.ts'

/** The part of a segment that retention needs; see `Segment`. */
export interface RetainedSegment {
  readonly size: number
  readonly endOffset: number
  readonly createdAtMs: number
  readonly maxTimestamp: { readonly timestamp: number }
}

/** The log around the segments. */
export interface RetentionState {
  readonly config: LogConfig
  readonly nowMs: number
  readonly logStartOffset: number
  readonly highWatermark: number
}

/** Returns whether the latest record of a segment is older than `retention.ms`. Without timestamps, the age of the segment counts. */
export function isExpired(segment: RetainedSegment, config: LogConfig, nowMs: number): boolean {
  if (!config.delete || config.retentionMs < 0) return false
  const youngest = segment.maxTimestamp.timestamp
  return nowMs - (youngest < 0 ? segment.createdAtMs : youngest) > config.retentionMs
}

/**
 * Returns how many of the oldest segments to delete: those below the log start, those whose records are all too old, and as many
 * as `retention.bytes` requires. Stops at the first segment to keep, so that the log has no gap. The last segment, and segments
 * with records that are not visible yet, are kept.
 */
export function expiredSegments(segments: readonly RetainedSegment[], state: RetentionState): number {
  const { config } = state
  let excess = -Infinity
  if (config.delete && config.retentionBytes >= 0) {
    excess = segments.reduce((sum, segment) => sum + segment.size, 0) - config.retentionBytes
  }
  let count = 0
  for (const segment of segments.slice(0, -1)) {
    if (segment.endOffset > state.highWatermark) break
    const isSurplus = excess - segment.size >= 0
    if (segment.endOffset > state.logStartOffset && !isSurplus && !isExpired(segment, config, state.nowMs)) break
    excess -= segment.size
    count += 1
  }
  return count
}
