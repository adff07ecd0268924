import type { LogConfig } from '../log-config.ts'

/** The part of a segment that the plan needs; see `Segment`. */
export interface CompactableSegment {
  readonly baseOffset: number
  readonly endOffset: number
  readonly size: number
  readonly createdAtMs: number
  readonly maxTimestamp: { readonly timestamp: number }
}

/** The log around the segments. */
export interface CompactionState {
  readonly config: LogConfig
  readonly nowMs: number
  /** Records below it were compacted before. */
  readonly compactedOffset: number
  /** Records from it on are not compacted: the last stable offset, or the recovery point. */
  readonly limitOffset: number
}

/** Returns how many of the oldest segments to compact; 0 when there is no need. The active segment is never compacted. */
export function compactableSegments(segments: readonly CompactableSegment[], state: CompactionState): number {
  const closed = segments.slice(0, -1)
  const untouchable = closed.findIndex((segment) => !mayBeTaken(segment, state))
  const candidates = untouchable < 0 ? closed : closed.slice(0, untouchable)
  return isDirty(candidates, state) ? candidates.length : 0
}

/**
 * Returns whether to start a new segment, so that the active one can be compacted with the others: only if all of them can be
 * compacted. Otherwise every round would start a segment while records are too recent or a transaction is open.
 */
export function shouldRollForCompaction(segments: readonly CompactableSegment[], state: CompactionState): boolean {
  const active = segments.at(-1)
  if (active === undefined || active.size === 0) return false
  if (!segments.every((segment) => mayBeTaken(segment, state))) return false
  const dirtyBytes = sizeOf(segments.filter((segment) => segment.endOffset > state.compactedOffset))
  const isOld = state.nowMs - active.createdAtMs > state.config.maxCompactionLagMs
  return isOld || (dirtyBytes >= state.config.compactionMinDirtyBytes && isDirty(segments, state))
}

function mayBeTaken(segment: CompactableSegment, { config, nowMs, limitOffset }: CompactionState): boolean {
  return segment.endOffset <= limitOffset && segment.maxTimestamp.timestamp <= nowMs - config.minCompactionLagMs
}

function isDirty(segments: readonly CompactableSegment[], state: CompactionState): boolean {
  const dirty = segments.filter((segment) => segment.endOffset > state.compactedOffset)
  const dirtyBytes = sizeOf(dirty)
  if (dirtyBytes === 0) return false
  const oldest = dirty[0]?.maxTimestamp.timestamp ?? -1
  if (oldest >= 0 && state.nowMs - oldest > state.config.maxCompactionLagMs) return true
  return dirtyBytes / sizeOf(segments) >= state.config.minCleanableDirtyRatio
}

function sizeOf(segments: readonly CompactableSegment[]): number {
  return segments.reduce((sum, segment) => sum + segment.size, 0)
}
