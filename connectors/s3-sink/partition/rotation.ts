/** When the open objects of a partition are complete: they end together. Null: the rule is off. */
export interface RotationRules {
  readonly maxRecords: number
  readonly maxBytes: number | null
  readonly intervalMs: number | null
  /** Whether a record for another directory than that of the last one ends them. */
  readonly onPathChange: boolean
  /** The number of directories with open objects. */
  readonly maxObjects: number | null
  /** The next scheduled end of objects after a time. */
  readonly nextScheduled: ((nowMs: number) => number) | null
}

/** The facts about open objects that the rules need. */
export interface ObjectProgress {
  readonly records: number
  readonly bytes: number
  /** The number of directories, and that of the record with a value that was added last; null: there was none. */
  readonly size: number
  readonly lastPath: string | null
  /** The time of the first record that has one, by `timestamp.extractor`; null: none has. */
  readonly firstRecordMs: number | null
  /** When the first record arrived, by the task's clock. */
  readonly openedAtMs: number
  /** The scheduled end; null without a schedule. */
  readonly scheduledAtMs: number | null
}

/** The facts about the next record that the rules need. */
export interface NextRecord {
  /** Its time, by `timestamp.extractor`; null: it is a tombstone. */
  readonly timeMs: number | null
  /** Whether its schema may be in the object of its directory. */
  readonly fits: boolean
  /** Null: that of tombstones, which end no objects. */
  readonly directory: string | null
  /** Whether its directory has no open object. */
  readonly isNew: boolean
}

/** Why objects ended. */
export type RotationReason =
  | 'size'
  | 'bytes'
  | 'interval'
  | 'schedule'
  | 'schema'
  | 'directory'
  | 'memory'
  | 'revoke'
  | 'replay'

/** Returns why the objects end before the next record is added; null when they do not. */
export function rotatesBefore(
  rules: RotationRules,
  object: ObjectProgress,
  next: NextRecord,
  nowMs: number,
): RotationReason | null {
  if (isLater(rules, object, next)) return 'interval'
  if (rules.onPathChange && isElsewhere(object, next)) return 'directory'
  if (!next.fits) return 'schema'
  if (rules.maxObjects !== null && next.isNew && object.size >= rules.maxObjects) return 'directory'
  return rotatesAt(rules, object, nowMs)
}

function isLater({ intervalMs }: RotationRules, { firstRecordMs }: ObjectProgress, { timeMs }: NextRecord): boolean {
  return intervalMs !== null && timeMs !== null && firstRecordMs !== null && timeMs - firstRecordMs >= intervalMs
}

function isElsewhere({ lastPath }: ObjectProgress, { directory }: NextRecord): boolean {
  return lastPath !== null && directory !== null && directory !== lastPath
}

/** Returns why the objects end with the record that was added last; null when they do not. */
export function rotatesAfter(rules: RotationRules, object: ObjectProgress): RotationReason | null {
  if (object.records >= rules.maxRecords) return 'size'
  return rules.maxBytes !== null && object.bytes >= rules.maxBytes ? 'bytes' : null
}

/** Returns why the objects end without further records; null when they do not. */
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
