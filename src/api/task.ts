import type { TopicPartition } from '../foundation/topic-partition.ts'
import type { ParsedConfig, RawConfig } from './config-def.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { TaskMetrics } from '../foundation/metrics/metrics.ts'
import type { SinkRecord, SourceOffset, SourcePartition, SourceRecord } from './record.ts'
import type { Clock } from '../foundation/clock.ts'

/** The context of both kinds of task. */
export interface TaskContext {
  readonly connector: string
  readonly task: number
  readonly config: ParsedConfig
  readonly raw: RawConfig
  readonly logger: Logger
  readonly clock: Clock
  readonly metrics: TaskMetrics
  /**
   * Raises a condition of a running task: a problem that an operator must know about, such as skipped data or a table that is
   * not captured. It lasts until it is set to null or the task ends, whatever is retried meanwhile. While it lasts, the
   * `trace` of the task's status has the line `CODE: message`, and the gauge `penstock_task_condition{connector,task,code}`
   * is 1. Its beginning, each new text and its end are logged as warnings.
   * @param code capital letters, digits and underscores, from a small fixed set. At most 16 conditions are shown.
   * @param message what is wrong and what to do. Without running counts, because each new text writes the status; the same
   * text does nothing. Cut at 1000 characters.
   */
  setCondition(code: string, message: string | null): void
}

/** How a topic is created. */
export interface TopicSpec {
  /** -1 is the broker's default. */
  readonly partitions: number
  /** -1 is the broker's default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

/** A source offset that is durable in the offset topic. */
export interface CommittedSourceOffset {
  readonly partition: SourcePartition
  readonly offset: SourceOffset
}

export interface SourceTaskContext extends TaskContext {
  /** Returns the stored offset of each partition, in order; null if it has none. A task never starts without its offsets. */
  readOffsets(partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]>
  /**
   * Returns the greatest integer in that header among the last records of these topics; null if no record has the header. For
   * sources that number their records in increasing order. Topics have the names of the task's records; the names that the
   * connector's transforms give them are read too, as far as they depend on the name alone.
   * @throws RetriableError if the topics cannot be read now, ConnectError if the worker is not authorized to read them.
   */
  greatestHeader(topics: readonly string[], header: string): Promise<bigint | null>
  /**
   * Stores an offset without a record
   * ([KIP-910](https://cwiki.apache.org/confluence/display/KAFKA/KIP-910%3A+Update+Source+offsets+for+Source+Connectors+without+producing+records));
   * `commit` receives it like any other. Call it only while every record that `poll` returned is committed. It lets a source
   * advance that reads data but emits no records.
   */
  advanceOffset?(partition: SourcePartition, offset: SourceOffset): void
  /**
   * Clears the failures of `poll` from the task's status. Call it in `poll` when the source responds again, before waiting for
   * records; otherwise the status shows the failure until the next record.
   */
  recovered?(): void
}

/**
 * Reads from a source system. Calls of `poll` never overlap; `commit` may be called between them.
 * `poll` is retried with back-off after a RetriableError; any other error fails the task.
 */
export interface SourceTask {
  /** Prepares the task. If it fails, this instance is stopped; the next attempt has another one. */
  start(context: SourceTaskContext): Promise<void>
  /**
   * Returns the next records in order, waiting for at least one; null or empty if `signal` fires first. It fires when the task
   * is paused or stopped: return soon, and lose nothing, because a later call may continue. Returned records never change.
   */
  poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null>
  /**
   * These offsets and all records up to them are durable (I2), so the source system may discard the data before them.
   * Called after every write to the offset topic, in order. Calls never overlap.
   */
  commit(offsets: readonly CommittedSourceOffset[]): Promise<void>
  /**
   * Ends all work and closes what the task has opened. It may be called before `start`, while `start` runs, after `start` has
   * failed, and more than once. Afterwards nothing of the task runs or uses its context.
   */
  stop(): Promise<void>
}

/** An offset to commit: the offset of the next record to read. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
}

/** A partition that is opened. */
export interface OpenedPartition extends OffsetToCommit {
  /** Records of dead letters are delivered again. Absent: none are. */
  readonly replay?: PartitionReplay
}

/** The records of dead letters that are delivered again, and no others before `until`. */
export interface PartitionReplay {
  /** 16 hexadecimal digits: the same when it continues after a restart. One that delivers other records has another id. */
  readonly id: string
  /** Where the sink was. From this offset on, every record is delivered. */
  readonly until: number
}

/** An offset that `preCommit` returns. */
export interface DurableOffset extends OffsetToCommit {
  /**
   * Commits the offset even if it is committed already. An acknowledged commit proves that the task held the partition when
   * `preCommit` was called: the coordinator rejects commits of a member that was replaced.
   */
  readonly asProof?: boolean
}

/** Where a record that a sink reports was read. A {@link SinkRecord} says it. */
export type ReportedRecord = Pick<SinkRecord, 'originalTopic' | 'originalPartition' | 'originalOffset'>

/** Reports records that a sink cannot deliver (KIP-610). */
export interface ErrantRecordReporter {
  /** Whether they are kept in a dead letter queue. Otherwise they are only logged. */
  readonly keepsRecords: boolean
  /**
   * Writes the record, as it was read, to the dead letter queue, with the message of `error`. Resolves when it is durable there;
   * no offset is committed before that (I1), so a task may regard the record as done. `put` does not wait for it: while many reports
   * are in progress, the task gets no further records (I10). Rejects when the task fails: by `errors.tolerance=none`, or because the
   * record cannot be written.
   */
  report(record: ReportedRecord, error: Error): Promise<void>
}

export interface SinkTaskContext extends TaskContext {
  /** The id of the Kafka cluster or the embedded broker; null if it has none. */
  readonly clusterId: string | null
  /**
   * Returns the id of the topic that this task reads under that name, in Kafka's text form. A topic that is deleted and
   * created again gets another id. The id does not change between `open` and `close`: the task never receives records of a
   * later topic with the same name. Null if the cluster has no topic ids (Kafka before 2.8) or no partition is assigned.
   */
  topicId(topic: string): string | null
  /** The partitions that are assigned to this task. */
  assignment(): readonly TopicPartition[]
  /** The partition's high watermark at the last fetch; null before the first one. */
  highWatermark(partition: TopicPartition): number | null
  /** Continues reading at these offsets from the next `put` on. `preCommit` no longer receives offsets behind them. */
  seek(offsets: readonly OffsetToCommit[]): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Requests a commit as soon as `put` has returned. May be called at any time, also from timers. */
  requestCommit(): void
  /** Requests the next `put` within `ms`, with an empty batch if there are no records. */
  wakeWithin(ms: number): void
  /**
   * Shows in the task's status what the task waits for while it retries by itself; null when it continues.
   * Undefined if there is no status.
   */
  showWaiting?(reason: string | null): void
  /** Fails the task from outside a call, for example from a request in the background. */
  raiseError(error: Error): void
  /** Null unless the connector has a dead letter queue or logs errors (`errors.log.enable`). */
  readonly errantRecordReporter: ErrantRecordReporter | null
}

/**
 * Writes to a target system. Calls never overlap. The promise of `put` is the back-pressure; it may resolve before the records
 * are durable. After a RetriableError from `put`, the same records are delivered again with back-off. A `put` that has to wait for
 * long should throw one: nothing is polled before it ends, a rebalance waits for it, and after `max.poll.interval.ms` the partitions
 * move to other tasks. The condition `PUT_WAITS` says so after 30 s.
 */
export interface SinkTask {
  /** Prepares the task. If it fails, this instance is stopped; the next attempt has another one. */
  start(context: SinkTaskContext): Promise<void>
  /**
   * These partitions were assigned in addition, or closed because their position was reset; reading begins at their offsets.
   */
  open(partitions: readonly OpenedPartition[]): Promise<void>
  /** Receives records, in order within each partition, with gaps where records were removed; empty if none arrived in time. */
  put(records: readonly SinkRecord[]): Promise<void>
  /**
   * Returns the offsets up to which records are durable downstream (I1), none past `current`. They are committed; an empty
   * result commits nothing. Only `committed` confirms the commit.
   */
  preCommit(current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]>
  /** These offsets, which `preCommit` returned, are committed. Called before any other method. */
  committed?(offsets: readonly OffsetToCommit[]): void
  /**
   * The commit of these offsets, which `preCommit` returned, was rejected or its outcome is unknown. `preCommit` may return
   * them again. Called before any other method.
   */
  commitFailed?(offsets: readonly OffsetToCommit[]): void
  /**
   * These partitions are no longer assigned. `flush` and `preCommit` were called before, unless the partitions are lost
   * already; either may have failed. The next owner starts at an offset that was committed, or at one whose commit failed.
   */
  close(partitions: readonly TopicPartition[]): Promise<void>
  /**
   * Makes the records of these partitions durable, if that is possible until `signal` fires. Called before a revocation, and at
   * shutdown with all partitions. A task may make more durable than that; what it has of other partitions, it keeps.
   * Earlier commits may have failed.
   */
  flush(signal: AbortSignal, partitions: readonly TopicPartition[]): Promise<void>
  /**
   * Ends all work and closes what the task has opened. It may be called before `start`, while `start` runs, after `start` has
   * failed, and more than once. Afterwards nothing of the task runs or uses its context.
   */
  stop(): Promise<void>
}
