/** What moves through a task, as its last measurements show it. Null: the task does not measure it. */
export interface TaskFlow {
  /** How long the measurements span; rates are averages over it. Seconds. */
  readonly seconds: number
  /** Records that a source has written to the log, or that a sink has taken, per second. */
  readonly recordsPerSecond: number
  /** Since when no record moved, within the time that the task has been measured. Seconds. */
  readonly idleSeconds: number
  /** Since when records wait for the task and it has moved none. Seconds; 0 when none wait, or some move. */
  readonly stalledSeconds: number
  /** Of a sink: records in its partitions that it has not been given. */
  readonly lagRecords: number | null
  /** By how many records per second that grows; negative while the sink catches up. */
  readonly lagPerSecond: number | null
  /** Of a sink: records that it was given, and whose offsets are not committed. */
  readonly uncommittedRecords: number | null
  /** Of a sink: partitions that it holds. */
  readonly partitions: number | null
  /** Of a sink: since when it holds none. Seconds. */
  readonly withoutPartitionsSeconds: number
  /** Of a sink: the part of the time in which it waited for the target system. 0 to 1. */
  readonly putShare: number | null
  /** Of a sink: rebalances of its group within the measurements. */
  readonly rebalances: number | null
  /** Of a source: seconds since the commit of the oldest change that is not durable in its topic. */
  readonly behindSeconds: number | null
  /** Of a source: bytes that its server keeps for it. */
  readonly retainedBytes: number | null
}
