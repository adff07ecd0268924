import type { TargetState } from '../config/connector/target-state.ts'
import type { TaskId } from '../config/connector/task-id.ts'
import type { RawConfig } from '../api/config-def.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../config/definition/config-infos.ts'
import type { LoggerLevel, LoggerSetting } from '../foundation/logging/log-levels.ts'
import type { ConnectorErrors, ErrorsReplay, ErrorsRequest, ReplayRequest } from './entities/connector-errors.ts'
import type { Diagnosis } from './entities/connector-diagnosis.ts'
import type { ConnectorInfo } from './entities/connector-info.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { ConnectorStatus, TaskStatus } from './entities/connector-status.ts'
import type { PluginInfo } from './entities/plugin-info.ts'
import type { RequestedOffset } from './offsets/offset-changes.ts'
import type { SignedRequest } from './internal/internal-requests.ts'
import type { RestartRequest } from './entities/restart-request.ts'
import type { ServerInfo } from './entities/server-info.ts'
import type { TaskInfo } from './entities/task-info.ts'
import type { WorkerHealth } from './entities/worker-health.ts'

/** The outcome of a submitted connector config. */
export interface SubmittedConnector {
  readonly created: boolean
  /** The config as submitted, with the tasks known at that moment. */
  readonly info: ConnectorInfo
  /** Warnings, such as unknown keys with the nearest known key. */
  readonly warnings: readonly string[]
}

/**
 * Decides what runs where: everything that the REST API can request of a worker.
 *
 * Reads use this worker's own view of the internal topics. Writes return when the record is in the topic, not when
 * workers have acted upon it. Errors are those of `herder-errors.ts`, and the api's NotFoundError and AlreadyExistsError;
 * their messages are Connect's. A signal that fires ends the wait, not the operation.
 */
export interface Herder {
  serverInfo(): ServerInfo
  /** Returns once the herder's loop has run a no-op, or, when `signal` fires first, with the stage in which the loop hangs. */
  health(signal: AbortSignal): Promise<WorkerHealth>
  /** What the herder's loop does, or did last, for the error of a request that timed out. */
  stage(): string

  /** The loggers of this worker whose level was set, by name, with `root`. */
  loggers(): ReadonlyMap<string, LoggerSetting>
  /** Sets the level of a logger of this worker, and of those whose names begin with its name; returns their names. */
  setLoggerLevel(logger: string, level: LoggerLevel): readonly string[]
  /** As {@link setLoggerLevel}, on each worker that runs. */
  setClusterLoggerLevel(logger: string, level: LoggerLevel, signal: AbortSignal): Promise<void>

  /** Names of all connectors. */
  connectors(): Promise<readonly string[]>
  /** @throws NotFoundError `Connector x not found`; RebalanceNeededError */
  connectorInfo(connector: string): Promise<ConnectorInfo>
  /** As submitted. @throws NotFoundError `Connector x not found`; RebalanceNeededError */
  connectorConfig(connector: string): Promise<RawConfig>
  /** @throws NotFoundError `No status found for connector x` */
  connectorStatus(connector: string): Promise<ConnectorStatus>
  /** By number. @throws NotFoundError `Connector x not found`; RebalanceNeededError */
  taskInfos(connector: string): Promise<readonly TaskInfo[]>
  /** @throws NotFoundError `No status found for task x-0` */
  taskStatus(id: TaskId): Promise<TaskStatus>
  /** Topics the connector has used, by its status topic; empty for an unknown connector. @throws ForbiddenError */
  activeTopics(connector: string): Promise<readonly string[]>
  /** Forgets the topics that a connector has used. Any worker can. @throws ForbiddenError */
  resetActiveTopics(connector: string): Promise<void>
  /** @throws NotFoundError `Connector x not found` */
  connectorOffsets(connector: string, signal: AbortSignal): Promise<ConnectorOffsets>
  readonly diagnosis: Diagnosis
  /**
   * Reads the end of the connector's dead letter queue, which other connectors may share, and returns its own letters by cause.
   * @throws NotFoundError `Connector x not found`; BadRequestError when it has no dead letter queue, or its letters have no context;
   *   ConnectError when the topic cannot be read
   */
  connectorErrors(connector: string, request: ErrorsRequest, signal: AbortSignal): Promise<ConnectorErrors>
  /**
   * Has the dead letters of a sink that is stopped delivered again when it is resumed. Those that were delivered again before are
   * left out; a request that is repeated before the connector is resumed changes nothing.
   * @throws NotLeaderError, NotFoundError, BadRequestError when it is not a stopped sink with dead letters of its own, or other
   *   letters are being delivered again; ConnectError when the plugin rejects the offsets, or the letters cannot be read
   */
  replayConnectorErrors(connector: string, request: ReplayRequest, signal: AbortSignal): Promise<ErrorsReplay>
  /**
   * Replaces offsets of a connector that is stopped; returns Connect's message.
   * @throws NotLeaderError, NotFoundError `Connector x not found`, BadRequestError when it is not stopped or an offset is
   *   invalid, ConnectError when the plugin rejects the offsets or they cannot be written
   */
  alterConnectorOffsets(connector: string, offsets: readonly RequestedOffset[], signal: AbortSignal): Promise<string>
  /** Removes all offsets of a connector that is stopped. As {@link alterConnectorOffsets}. */
  resetConnectorOffsets(connector: string, signal: AbortSignal): Promise<string>

  /**
   * Validates, then writes the config; the initial state is written before it. The order of checks is Connect's:
   * validation, leadership, existence.
   * @throws InvalidConnectorConfigError, NotLeaderError, AlreadyExistsError `Connector x already exists`
   */
  createConnector(
    connector: string,
    config: SubmittedConfig,
    initialState: TargetState | null,
    signal: AbortSignal,
  ): Promise<SubmittedConnector>
  /** As {@link createConnector}, but replaces the config of a connector that exists. */
  putConnectorConfig(connector: string, config: SubmittedConfig, signal: AbortSignal): Promise<SubmittedConnector>
  /**
   * Sets the keys of `patch` in the config of a connector; null removes a key.
   * @throws NotLeaderError, NotFoundError `Connector x not found`, InvalidConnectorConfigError
   */
  patchConnectorConfig(connector: string, patch: SubmittedConfig, signal: AbortSignal): Promise<SubmittedConnector>
  /**
   * Writes the task configs that the owner of a connector has sent. In a group whose requests are signed, the signature is checked.
   * @throws BadRequestError, WorkerStartingError, ForbiddenError; NotLeaderError, NotFoundError `Connector x not found`
   */
  putTaskConfigs(
    connector: string,
    configs: readonly RawConfig[],
    signed: SignedRequest,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * Fences off earlier tasks of a source, before a worker with exactly-once delivery starts its tasks. The signature is checked
   * as by {@link putTaskConfigs}.
   * @throws as putTaskConfigs; BadRequestError `Connector x is not a source connector`
   */
  fenceZombies(connector: string, signed: SignedRequest, signal: AbortSignal): Promise<void>
  /** @throws NotLeaderError, NotFoundError `Connector x not found` */
  deleteConnector(connector: string, signal: AbortSignal): Promise<void>

  /** Any worker can. @throws NotFoundError `Unknown connector x` */
  pauseConnector(connector: string, signal: AbortSignal): Promise<void>
  /** Any worker can. @throws NotFoundError `Unknown connector x` */
  resumeConnector(connector: string, signal: AbortSignal): Promise<void>
  /** An empty set of tasks, then the target state. @throws NotLeaderError, NotFoundError `Unknown connector x` */
  stopConnector(connector: string, signal: AbortSignal): Promise<void>

  /**
   * Stops and starts the connector instance alone and waits for it.
   * @throws NotFoundError `Unknown connector: x`; NotAssignedError; ConnectError when it does not start
   */
  restartConnector(connector: string, signal: AbortSignal): Promise<void>
  /**
   * Writes a restart request, of which each worker carries out its part. Returns the plan, in which everything that will
   * be restarted is RESTARTING.
   * @throws NotLeaderError, NotFoundError `Unknown connector: x` or `Status for connector x not found`
   */
  restartConnectorAndTasks(request: RestartRequest, signal: AbortSignal): Promise<ConnectorStatus>
  /** Stops and starts a task and waits for it. @throws NotFoundError `Unknown connector: x`, `Unknown task: x-7`; NotAssignedError */
  restartTask(id: TaskId, signal: AbortSignal): Promise<void>

  /** Sinks, sources, then transformations, predicates, converters, header converters. */
  plugins(): Promise<readonly PluginInfo[]>
  /**
   * The keys of a plugin, by class name or alias; for connectors the framework's own keys follow. The version is null for the latest.
   * @throws NotFoundError `Unknown plugin x.`; BadRequestError for a version that is not installed
   */
  pluginConfig(plugin: string, version: string | null, signal: AbortSignal): Promise<readonly ConfigKeyInfo[]>
  /** @throws BadRequestError without `connector.class`; ConnectError when no plugin has that class */
  validateConnectorConfig(config: SubmittedConfig, signal: AbortSignal): Promise<ConfigInfos>
}
