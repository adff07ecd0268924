import type { LogConfig } from '../log-config.ts'

/** What retention looks at; see `Segment`. */
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

/** Whether a segment's youngest record is older than `retention.ms`. Without timestamps its own age counts. */
export function isExpired(segment: RetainedSegment, config: LogConfig, nowMs: number): boolean {
  if (!config.delete || config.retentionMs < 0) return false
  const youngest = segment.maxTimestamp.timestamp
  return nowMs - (youngest < 0 ? segment.createdAtMs : youngest) > config.retentionMs
}

/**
 * How many of the oldest segments go: those below the log start, those whose records are all too old, and as many as
 * `retention.bytes` asks for. Stops at the first that stays, so that the log has no hole; never the last one, and nothing that
 * is not visible yet.
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
