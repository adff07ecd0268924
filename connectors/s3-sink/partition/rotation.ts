/** When an object of a partition is complete. Null: the rule is off. */
export interface RotationRules {
  readonly maxRecords: number
  readonly maxBytes: number | null
  readonly intervalMs: number | null
  /** The next scheduled end of objects after a time. */
  readonly nextScheduled: ((nowMs: number) => number) | null
}

/** The facts about an open object that the rules need. */
export interface ObjectProgress {
  readonly records: number
  readonly bytes: number
  /** The time of its first record, by `timestamp.extractor`. */
  readonly firstRecordMs: number
  /** When its first record arrived, by the task's clock. */
  readonly openedAtMs: number
  /** Its scheduled end; null without a schedule. */
  readonly scheduledAtMs: number | null
}

/** The facts about the next record that the rules need. */
export interface NextRecord {
  /** Its time, by `timestamp.extractor`. */
  readonly timeMs: number
  /** Whether its schema may be in the object. */
  readonly fits: boolean
}

/** Why an object ended. */
export type RotationReason = 'size' | 'bytes' | 'interval' | 'schedule' | 'schema' | 'memory' | 'revoke'

/** Returns why the object ends before the next record is added; null when it does not. */
export function rotatesBefore(
  rules: RotationRules,
  object: ObjectProgress,
  next: NextRecord,
  nowMs: number,
): RotationReason | null {
  if (rules.intervalMs !== null && next.timeMs - object.firstRecordMs >= rules.intervalMs) return 'interval'
  if (!next.fits) return 'schema'
  return rotatesAt(rules, object, nowMs)
}

/** Returns why the object ends with the record that was added last; null when it does not. */
export function rotatesAfter(rules: RotationRules, object: ObjectProgress): RotationReason | null {
  if (object.records >= rules.maxRecords) return 'size'
  return rules.maxBytes !== null && object.bytes >= rules.maxBytes ? 'bytes' : null
}

/** Returns why the object ends without further records; null when it does not. */
export function rotatesAt(rules: RotationRules, object: ObjectProgress, nowMs: number): RotationReason | null {
  if (object.scheduledAtMs !== null && nowMs >= object.scheduledAtMs) return 'schedule'
  return rules.intervalMs !== null && nowMs - object.openedAtMs >= rules.intervalMs ? 'interval' : null
}

/** The first time at which {@link rotatesAt} returns a reason; null when it never does. */
export function deadlineMs(rules: RotationRules, object: ObjectProgress): number | null {
  const interval = rules.intervalMs === null ? null : object.openedAtMs + rules.intervalMs
  if (interval === null || object.scheduledAtMs === null) return interval ?? object.scheduledAtMs
  return Math.min(interval, object.scheduledAtMs)
}
