const dayMs = 86_400_000
const mebibyte = 1024 * 1024

/** The configuration of one partition log: Kafka's topic configs as numbers. Times in milliseconds, sizes in bytes, -1: no limit. */
export interface LogConfig {
  /** `segment.bytes` */
  readonly segmentBytes: number
  /** `segment.ms` */
  readonly segmentMs: number
  /** `segment.index.bytes` */
  readonly segmentIndexBytes: number
  /** `index.interval.bytes` */
  readonly indexIntervalBytes: number
  /** `max.message.bytes`: the largest batch. */
  readonly maxMessageBytes: number
  /** Whether `cleanup.policy` has `delete`. */
  readonly delete: boolean
  /** Whether `cleanup.policy` has `compact`. */
  readonly compact: boolean
  /** `retention.ms` */
  readonly retentionMs: number
  /** `retention.bytes` */
  readonly retentionBytes: number
  /** `min.cleanable.dirty.ratio` */
  readonly minCleanableDirtyRatio: number
  /** `min.compaction.lag.ms` */
  readonly minCompactionLagMs: number
  /** `max.compaction.lag.ms` */
  readonly maxCompactionLagMs: number
  /** `delete.retention.ms`: how long a tombstone is kept after the first compaction that met it. */
  readonly deleteRetentionMs: number
  /** `message.timestamp.type`: 0 CreateTime, 1 LogAppendTime. */
  readonly timestampType: 0 | 1
  /** `message.timestamp.before.max.ms`; for CreateTime. */
  readonly timestampBeforeMaxMs: number
  /** `message.timestamp.after.max.ms`; for CreateTime. */
  readonly timestampAfterMaxMs: number
  /** `producer.id.expiration.ms`: when an idle producer's sequence is forgotten. */
  readonly producerIdExpirationMs: number
  /**
   * Bytes of uncompacted records, the active segment included, from which a compacted partition rolls its active segment early.
   * Kafka never compacts the active segment, so a small topic with `segment.bytes` of 1 GiB would grow to that before the first
   * compaction.
   */
  readonly compactionMinDirtyBytes: number
}

/** Kafka's defaults, but for `maxMessageBytes` (16 MiB) and `timestampAfterMaxMs`, one hour as in Kafka 4.0 (KIP-1030). */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * mebibyte,
  segmentMs: 7 * dayMs,
  segmentIndexBytes: 10 * mebibyte,
  indexIntervalBytes: 4096,
  maxMessageBytes: 16 * mebibyte,
  delete: true,
  compact: false,
  retentionMs: 7 * dayMs,
  retentionBytes: -1,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  deleteRetentionMs: dayMs,
  timestampType: 0,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  producerIdExpirationMs: dayMs,
  compactionMinDirtyBytes: mebibyte,
}
