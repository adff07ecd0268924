import type { ConfigDef, ConfigProblem, ParsedConfig, RawConfig } from './config-def.ts'
import type { DiagnosisContext, DiagnosisFinding } from './diagnosis/finding.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { SinkRecord, SourceOffset, SourcePartition } from './record.ts'
import type { SinkTask, SourceTask, TopicSpec } from './task.ts'

/** What the worker offers to a connector instance. */
export interface ConnectorContext {
  readonly connector: string
  readonly logger: Logger
  /** Requests another call of `taskConfigs`. */
  requestTaskReconfiguration(): void
  /** Fails the connector with this error. */
  raiseError(error: Error): void
}

/**
 * A running connector, which configures its tasks. It runs in the plugin thread. An instance that is idle, and has no timers,
 * sockets or other handles open, may be stopped; another instance is started when it is needed again.
 */
export interface Connector {
  /** `config` holds the keys of the plugin's ConfigDef, parsed; `raw` holds all keys as the user wrote them. */
  start(config: ParsedConfig, raw: RawConfig, context: ConnectorContext): Promise<void>
  /** Returns one raw config per task, at most `maxTasks`. Equal configs mean that no task has to restart. */
  taskConfigs(maxTasks: number): Promise<readonly RawConfig[]>
  /** Ends all work and closes what the connector has opened. It may be called before `start`, after it failed, and more than once. */
  stop(): Promise<void>
}

/** A source partition whose stored offset is to be replaced; null removes the offset. */
export interface SourceOffsetChange {
  readonly partition: SourcePartition
  readonly offset: SourceOffset | null
}

/** A topic partition whose committed offset is to be replaced; null removes the offset. */
export interface SinkOffsetChange {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
}

/** Where a sink has put a record. */
export interface SinkPlace {
  readonly kind: 'document' | 'object'
  /** As a person would look for it: `orders/_doc/7`, `s3://bucket/topics/orders/…`. */
  readonly name: string
  /** What the target says about it. */
  readonly details: Readonly<Record<string, string | number | null>>
}

/** The description that a connector's module exports as `plugin`. */
export interface ConnectorPlugin {
  readonly kind: 'source' | 'sink'
  /** Class name for `connector.class`, e.g. `io.debezium.connector.postgresql.PostgresConnector`. */
  readonly className: string
  /** Other class names of the plugin. The simple name, with and without `Connector`, need not be listed. */
  readonly aliases: readonly string[]
  readonly version: string
  readonly configDef: ConfigDef
  /**
   * Returns why an option that is not in `configDef` is not supported, or null if it is unknown: for options whose names have
   * variable parts, such as `column.mask.with.5.chars`.
   */
  unsupportedKey?(key: string): string | null
  /**
   * Checks rules across several keys, and may connect to the server. Called only if every key is valid by itself. Ends soon when
   * `signal` fires. A problem that a user can solve is returned, not thrown.
   */
  check?(config: ParsedConfig, raw: RawConfig, signal: AbortSignal): Promise<readonly ConfigProblem[]>
  /**
   * Checks a change of the stored offsets of a source that is stopped, before it is written (KIP-875). `config` is as the user
   * wrote it. It may also change offsets that the connector keeps elsewhere. Returns whether the connector has no other
   * offsets than these, or has changed them; without this method, the response tells the user that it might have.
   * @throws ConnectError when a partition or an offset is invalid: nothing is written
   */
  alterSourceOffsets?(
    config: RawConfig,
    changes: readonly SourceOffsetChange[],
    signal: AbortSignal,
  ): boolean | Promise<boolean>
  /** As {@link alterSourceOffsets}, for the committed offsets of a sink. */
  alterSinkOffsets?(
    config: RawConfig,
    changes: readonly SinkOffsetChange[],
    signal: AbortSignal,
  ): boolean | Promise<boolean>
  /**
   * Returns what keeps the connector's records from the external system, or will: it looks at the server, as `check` does, and
   * changes nothing. Called for a connector in any state, several times a minute while someone watches. What was found until
   * `signal` fires is worth more than an error.
   * @throws ConnectError when the server could not be looked at: that is shown, too
   */
  diagnose?(context: DiagnosisContext): Promise<readonly DiagnosisFinding[]>
  /**
   * Looks in the target for what a record of this sink has become. `record` has passed the converters and transforms. Returns null
   * if there is nothing, or nothing that the record tells. Without this method, the place of records is not shown.
   */
  locate?(config: ParsedConfig, record: SinkRecord, signal: AbortSignal): Promise<SinkPlace | null>
  createConnector(): Connector
  /**
   * How to create the topics that a source's tasks write to, under the names that transforms gave them. The connector's
   * `topic.creation.default.*` settings take precedence; existing topics are not changed. Without either, topics are created
   * by the broker, if it allows that.
   */
  readonly newTopics?: TopicSpec
  /**
   * What a sink gets when dead letters are delivered again (`POST …/errors/replay`): by default their records, and all later ones
   * of their keys, so that the latest state of a key wins. `letters`: their records alone, for a sink that keeps every record. False:
   * nothing, as it finds what it has written by offsets. {@link OpenedPartition} says which offsets are delivered again.
   */
  readonly replays?: 'letters' | false
  /** Returns a {@link SourceTask} if `kind` is `source`, otherwise a {@link SinkTask}. */
  createTask(): SourceTask | SinkTask
}
