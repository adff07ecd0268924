import type { LogConfig } from './log-config.ts'

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
  const { config, nowMs } = state
  let count = 0
  for (const segment of segments.slice(0, -1)) {
    const youngest = segment.maxTimestamp.timestamp
    if (segment.endOffset > state.limitOffset || youngest > nowMs - config.minCompactionLagMs) break
    count += 1
  }
  return isDirty(segments.slice(0, count), state) ? count : 0
}

/** Whether the segment that is written should be closed so that it can be compacted with the others. */
export function shouldRollForCompaction(segments: readonly CompactableSegment[], state: CompactionState): boolean {
  const active = segments.at(-1)
  if (active === undefined || active.size === 0) return false
  const dirtyBytes = sizeOf(segments.filter((segment) => segment.endOffset > state.compactedOffset))
  const isOld = state.nowMs - active.createdAtMs > state.config.maxCompactionLagMs
  return isOld || (dirtyBytes >= state.config.compactionMinDirtyBytes && isDirty(segments, state))
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
