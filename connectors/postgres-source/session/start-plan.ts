import type { SourceOffset } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import { resumePoint, type StreamPoint } from '../offsets/resume-point.ts'
import type { WalLineage } from '../offsets/wal-lineage.ts'

/** The start position of a session. */
export interface SessionStart {
  /** The offset to continue from: the stored offset, or the last emitted one after a lost connection. */
  readonly position: SourceOffset | null
  /** The stored offset. */
  readonly durable: SourceOffset | null
  /** Whether the task starts, not only its connection. */
  readonly first: boolean
  /** The lineage that the session before has read; null when the task starts. */
  readonly lineage: WalLineage | null
}

/** Whether the session takes a snapshot, and where its stream continues. */
export interface StartPlan {
  readonly snapshot: boolean
  readonly resume: StreamPoint
}

const fromSlot: StreamPoint = { kind: 'stream', skipBefore: 0, lastCommit: null, open: [] }

/** Applies `snapshot.mode` to the stored offset. */
export function planStart(settings: SourceSettings, start: SessionStart): StartPlan {
  const point = resumePoint(start.position)
  const mode = settings.snapshotMode
  const isRequested = mode === 'always' && start.first
  if (point.kind === 'begin') return { snapshot: mode !== 'no_data', resume: fromSlot }
  return isRequested ? { snapshot: true, resume: fromSlot } : { snapshot: false, resume: point }
}

/** At most a third of `wal_sender_timeout`, whatever `status.update.interval.ms` says. */
export function statusIntervalOf({ statusIntervalMs }: SourceSettings, senderTimeoutMs: number): number {
  return senderTimeoutMs === 0 ? statusIntervalMs : Math.min(statusIntervalMs, senderTimeoutMs / 3)
}
