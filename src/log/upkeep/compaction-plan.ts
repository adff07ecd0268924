import type { LogConfig } from '../log-config.ts'

/** What the plan looks at; see `Segment`. */
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
  /** Nothing at or beyond it is touched: the last stable offset, or the recovery point. */
  readonly limitOffset: number
}

/** How many of the oldest segments a compaction takes; 0: there is no need. The last segment, which is written, never. */
export function compactableSegments(segments: readonly CompactableSegment[], state: CompactionState): number {
  const closed = segments.slice(0, -1)
  const untouchable = closed.findIndex((segment) => !mayBeTaken(segment, state))
  const candidates = untouchable < 0 ? closed : closed.slice(0, untouchable)
  return isDirty(candidates, state) ? candidates.length : 0
}

/**
 * Whether the segment that is written should be closed so that it can be compacted with the others: only when a compaction can
 * take all of them. Otherwise every round would begin a segment while records are too young or a transaction is open.
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
