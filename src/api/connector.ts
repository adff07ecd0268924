import type { ConfigDef, ConfigProblem, ParsedConfig, RawConfig } from './config-def.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { SinkTask, SourceTask, TopicSpec } from './task.ts'

/** What a connector instance may ask of the worker. */
export interface ConnectorContext {
  readonly connector: string
  readonly logger: Logger
  /** Asks for `taskConfigs` to be called again. */
  requestTaskReconfiguration(): void
  /** Fails the connector with this error. */
  raiseError(error: Error): void
}

/**
 * A running connector: it decides what its tasks do. Lives in the plugin thread. An instance that holds no timer, socket or
 * other handle between calls may be put away without `stop`, and be started again when it is asked for something.
 */
export interface Connector {
  start(config: ParsedConfig, raw: RawConfig, context: ConnectorContext): Promise<void>
  /** One raw config per task, at most `maxTasks`. */
  taskConfigs(maxTasks: number): Promise<readonly RawConfig[]>
  stop(): Promise<void>
}

/** What a module under `connectors/` exports as `plugin`: everything the worker knows of it, as data. */
export interface ConnectorPlugin {
  readonly kind: 'source' | 'sink'
  /** Class name as configs write it, e.g. `io.debezium.connector.postgresql.PostgresConnector`. */
  readonly className: string
  /** Other class names that mean the same. The short simple name and the name without `Connector` work by themselves. */
  readonly aliases: readonly string[]
  readonly version: string
  readonly configDef: ConfigDef
  /**
   * Why an option that `configDef` does not hold cannot be served: for options whose names hold a part of their own, such as
   * `column.mask.with.5.chars`. Null for an option that nobody knows.
   */
  unsupportedKey?(key: string): string | null
  /** Rules over several fields, and checks that dial the server. Only called when every single field parsed. */
  check?(config: ParsedConfig, raw: RawConfig, signal: AbortSignal): Promise<readonly ConfigProblem[]>
  createConnector(): Connector
  /**
   * How topics are created that records of a source's tasks go to, under the names that the transforms gave them, where
   * the connector's `topic.creation.default.*` does not say otherwise. A topic that exists is left as it is. Without it, and
   * without those settings, the broker creates topics as it does for any client.
   */
  readonly newTopics?: TopicSpec
  /** A source plugin makes {@link SourceTask}s, a sink plugin {@link SinkTask}s. */
  createTask(): SourceTask | SinkTask
}
