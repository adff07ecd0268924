/** When an object of a partition is complete. Null: the rule is off. */
export interface RotationRules {
  readonly maxRecords: number
  readonly maxBytes: number | null
  readonly intervalMs: number | null
  /** The next moment at which objects end, seen from a moment. */
  readonly nextScheduled: ((nowMs: number) => number) | null
}

/** What the rules look at in an object that is being filled. */
export interface ObjectProgress {
  readonly records: number
  readonly bytes: number
  /** The time of its first record, by the configured extractor. */
  readonly firstRecordMs: number
  /** When its first record arrived, by this machine's clock. */
  readonly openedAtMs: number
  /** The moment of the schedule at which it ends; null without a schedule. */
  readonly scheduledAtMs: number | null
}

/** Why an object ended. */
export type RotationReason = 'size' | 'bytes' | 'interval' | 'schedule' | 'memory' | 'revoke'

/** The object ends before a record of that time is added. */
export function rotatesBefore(
  rules: RotationRules,
  object: ObjectProgress,
  recordMs: number,
  nowMs: number,
): RotationReason | null {
  if (rules.intervalMs !== null && recordMs - object.firstRecordMs >= rules.intervalMs) return 'interval'
  return rotatesAt(rules, object, nowMs)
}

/** The object ends with the record that was added last. */
export function rotatesAfter(rules: RotationRules, object: ObjectProgress): RotationReason | null {
  if (object.records >= rules.maxRecords) return 'size'
  return rules.maxBytes !== null && object.bytes >= rules.maxBytes ? 'bytes' : null
}

/** The object ends because time has passed, records or not. */
export function rotatesAt(rules: RotationRules, object: ObjectProgress, nowMs: number): RotationReason | null {
  if (object.scheduledAtMs !== null && nowMs >= object.scheduledAtMs) return 'schedule'
  return rules.intervalMs !== null && nowMs - object.openedAtMs >= rules.intervalMs ? 'interval' : null
}

/** The moment at which {@link rotatesAt} says yes; null when it never does. */
export function deadlineMs(rules: RotationRules, object: ObjectProgress): number | null {
  const interval = rules.intervalMs === null ? null : object.openedAtMs + rules.intervalMs
  if (interval === null || object.scheduledAtMs === null) return interval ?? object.scheduledAtMs
  return Math.min(interval, object.scheduledAtMs)
}
