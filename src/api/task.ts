import type { TopicPartition } from '../foundation/topic-partition.ts'
import type { ParsedConfig, RawConfig } from './config-def.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { TaskMetrics } from '../foundation/metrics/metrics.ts'
import type { SinkRecord, SourceOffset, SourcePartition, SourceRecord } from './record.ts'
import type { Clock } from '../foundation/clock.ts'

/** What both kinds of task are given. */
export interface TaskContext {
  readonly connector: string
  readonly task: number
  readonly config: ParsedConfig
  readonly raw: RawConfig
  readonly logger: Logger
  readonly clock: Clock
  readonly metrics: TaskMetrics
  /**
   * Raises a named condition of a task that keeps running: something a person must know of, such as data that is skipped or
   * a table that is not captured. It stands until it is set to null, or the task ends, and does not depend on retries.
   * While it stands, the `trace` of the task's status has the line `CODE: message`, and the gauge
   * `penstock_task_condition{connector,task,code}` is 1. Raising it, a new text, and its end are logged as warnings.
   * @param code capital letters, digits and underscores, from a small fixed set. 16 conditions are shown at most.
   * @param message what is wrong and what to do, without running counts: each new text is a status write. The same text
   * again does nothing. Cut at 1000 characters.
   */
  setCondition(code: string, message: string | null): void
}

/** How a topic is created. */
export interface TopicSpec {
  /** -1 takes the broker's default. */
  readonly partitions: number
  /** -1 takes the broker's default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

/** A source offset that is durable in the offset topic. */
export interface CommittedSourceOffset {
  readonly partition: SourcePartition
  readonly offset: SourceOffset
}

export interface SourceTaskContext extends TaskContext {
  /** The stored offset of each partition asked for, in order; null where there is none. */
  readOffsets(partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]>
  /**
   * The greatest integer that the header has in the last records of these topics, for sources that give out rising numbers;
   * null when no record there has it. Topics are named as in the task's records; they are looked for under the
   * names that the connector's transforms make of them too, as far as these depend on the name alone.
   * @throws RetriableError when the topics cannot be read now, ConnectError when they may not be read.
   */
  greatestHeader(topics: readonly string[], header: string): Promise<bigint | null>
  /**
   * Stores an offset that belongs to no record (KIP-910); `commit` is told as of any other. Only to be called while every
   * record that `poll` returned is committed. Without it a source that reads much and emits nothing never moves on.
   */
  advanceOffset?(partition: SourcePartition, offset: SourceOffset): void
  /**
   * To be called by `poll` when it has reached its source, before it waits for records: a source without records would
   * otherwise be shown as failing until the next one. Ends what the task's status shows of failed calls of `poll`.
   */
  recovered?(): void
}

/**
 * Reads a source. One call of `poll` at a time; `commit` may run between polls.
 * A RetriableError from `poll` is retried with capped back-off; any other fails the task.
 */
export interface SourceTask {
  start(context: SourceTaskContext): Promise<void>
  /** The next records in order, at least one. Waits until there is one; null or empty when `signal` fires first. */
  poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null>
  /**
   * These offsets, and all records up to them, are durable (I2): the source may forget what lies before.
   * Called after every write to the offset topic, in order, never concurrently with itself.
   */
  commit(offsets: readonly CommittedSourceOffset[]): Promise<void>
  stop(): Promise<void>
}

/** An offset to commit: that of the next record to be read. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
}

/** What `preCommit` answers. */
export interface DurableOffset extends OffsetToCommit {
  /**
   * Commits the offset also when the group has it already. A commit that is acknowledged proves that the task held the
   * partition when `preCommit` was called: the coordinator refuses those of a member that was replaced.
   */
  readonly asProof?: boolean
}

/** What a sink knows of a record it could not deliver; set only when `errors.tolerance` or a dead letter queue asks for it. */
export interface ErrantRecordReporter {
  report(record: SinkRecord, error: Error): Promise<void>
}

export interface SinkTaskContext extends TaskContext {
  /** The id of the Kafka cluster, or of the embedded log; null when it has none. */
  readonly clusterId: string | null
  /**
   * The id of the topic that this task reads under that name, as Kafka prints it: a topic that is deleted and created again
   * has another. From `open` to `close` it does not change; a task is never given records of a later topic of the name.
   * Null where the cluster has no topic ids (Kafka before 2.8), or the task holds no partition of it.
   */
  topicId(topic: string): string | null
  /** The partitions this task holds. */
  assignment(): readonly TopicPartition[]
  /** The end of the partition's log as the last fetch saw it; null before the first. */
  highWatermark(partition: TopicPartition): number | null
  /** Reads on from these offsets: seeks before the next `put`. At once, `preCommit` is told of none behind them any more. */
  seek(offsets: readonly OffsetToCommit[]): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Calls `preCommit` and commits as soon as `put` has returned. Safe to call at any time, from timers too. */
  requestCommit(): void
  /** Calls `put` (with an empty batch if need be) no later than in `ms`. */
  wakeWithin(ms: number): void
  /**
   * Shows in the task's status what it waits for while it retries by itself; null when it continues.
   * Absent where there is no status.
   */
  showWaiting?(reason: string | null): void
  /** Fails the task from outside a call, e.g. from a request running in the background. */
  raiseError(error: Error): void
  readonly errantRecordReporter: ErrantRecordReporter | null
}

/**
 * Writes a target. Calls never overlap. `put` may return before the records are durable: back-pressure is the
 * promise it returns. A RetriableError from `put` gives the same records again after a back-off.
 */
export interface SinkTask {
  start(context: SinkTaskContext): Promise<void>
  /** The task now holds these partitions too; `offsets` are where reading begins. */
  open(partitions: readonly OffsetToCommit[]): Promise<void>
  /** Records in order per partition; empty when nothing arrived in time. */
  put(records: readonly SinkRecord[]): Promise<void>
  /**
   * What is durable downstream: the offsets that may be committed, none past `current`. Empty commits nothing. That they
   * are committed is said by `committed` and by nothing else.
   */
  preCommit(current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]>
  /** The group has these offsets, which `preCommit` answered. Comes before any other call of the task. */
  committed?(offsets: readonly OffsetToCommit[]): void
  /**
   * The commit of these offsets, which `preCommit` answered, was refused or got no answer: they may be committed, or not.
   * The task may answer them again. Comes before any other call of the task.
   */
  commitFailed?(offsets: readonly OffsetToCommit[]): void
  /**
   * The task loses these partitions. Usually `flush` and `preCommit` were called before; not when they are lost already,
   * and either may have failed. Where the next holder begins is not known: at an offset that was committed, or at one
   * whose commit failed.
   */
  close(partitions: readonly TopicPartition[]): Promise<void>
  /**
   * Makes all that was put durable, if that can be had now; called before a revocation and at shutdown, bounded by `signal`.
   * Commits before it may have failed.
   */
  flush(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}
