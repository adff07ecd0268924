import type { RawConfig } from '../api/config-def.ts'
import { NotFoundError } from '../api/errors.ts'
import { missingClassMessage } from '../config/connector/validate-connector.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../config/definition/config-infos.ts'
import type { LoggerLevel, LoggerSetting } from '../foundation/logging/log-levels.ts'
import { abortable } from '../foundation/async/abortable.ts'
import type { LabelledSample } from '../foundation/metrics/meters.ts'
import { ThreadEndedError } from '../runtime/thread/thread-link.ts'
import type { ConfigRecord } from '../storage/config-record.ts'
import type { ConnectorErrors, ErrorsReplay, ErrorsRequest, ReplayRequest } from './entities/connector-errors.ts'
import type { ConnectorInfo } from './entities/connector-info.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { ConnectorStatus, TaskStatus } from './entities/connector-status.ts'
import { checkVersion, type PluginInfo } from './entities/plugin-info.ts'
import type { RestartRequest } from './entities/restart-request.ts'
import type { ServerInfo } from './entities/server-info.ts'
import type { TargetState } from '../config/connector/target-state.ts'
import { formatTaskId, type TaskId } from '../config/connector/task-id.ts'
import type { TaskInfo } from './entities/task-info.ts'
import type { WorkerHealth } from './entities/worker-health.ts'
import { applyClusterLevel } from './cluster-log-level.ts'
import { DiagnosisReader } from './diagnosis/diagnosis-reader.ts'
import { BadRequestError, ForbiddenError, NotAssignedError, WorkerStoppingError } from './herder-errors.ts'
import { HerderLoop } from './herder-loop.ts'
import { HerderReads } from './herder-reads.ts'
import { HerderWrites } from './herder-writes.ts'
import type { Herder, SubmittedConnector } from './herder.ts'
import { AssignedTasks } from './local/assigned-tasks.ts'
import { AssignmentReconciler } from './local/assignment-reconciler.ts'
import { ConnectorInstances } from './local/connector-instances.ts'
import { InternalRequests, type SignedRequest } from './internal/internal-requests.ts'
import { KeyedQueues } from './local/keyed-queues.ts'
import { ErrorsReplayer } from './errors/errors-replay.ts'
import { OffsetAlteration } from './offsets/offset-alteration.ts'
import type { RequestedOffset } from './offsets/offset-changes.ts'
import { ClusterConfigState } from './state/cluster-config-state.ts'
import { warnOfLostOffsets } from './offsets/lost-offsets.ts'
import { EventCounts } from './state/event-counts.ts'
import { RecentEvents } from './state/recent-times.ts'
import { stateSamples } from './state/state-samples.ts'
import { TaskReconfigurer } from './task-reconfigurer.ts'
import type { HerderGroup, WorkerHerderOptions } from './worker-herder-options.ts'

/**
 * The herder of a worker (Kafka: DistributedHerder). It owns the membership in the group and the threads of connectors
 * and tasks, follows the config topic, and serves the REST API.
 */
export class WorkerHerder implements Herder {
  readonly #options: WorkerHerderOptions
  readonly #configState = new ClusterConfigState()
  readonly #reads: HerderReads
  readonly #writes: HerderWrites
  readonly #offsets: OffsetAlteration
  readonly #connectors: ConnectorInstances
  readonly #tasks: AssignedTasks
  readonly #loop: HerderLoop
  readonly #internal: InternalRequests
  readonly #group: HerderGroup
  readonly #events = new EventCounts()
  readonly diagnosis: DiagnosisReader
  /** Whether the records of the config topic are newer than the start of this worker, and so have to be acted upon. */
  #isFollowing = false

  constructor(options: WorkerHerderOptions) {
    const { statuses, offsets, plugins, configs, clock, logger } = options
    const configState = this.#configState
    const queues = new KeyedQueues()
    this.#options = options
    this.#reads = new HerderReads({ configState, statuses, offsets, plugins })
    const common = { ...options, configState, queues, events: this.#events, recent: new RecentEvents() }
    this.#tasks = new AssignedTasks(common)
    const connectors = new ConnectorInstances({
      ...common,
      reconfigure: (connector) => void reconfigurer.reconfigure(connector),
    })
    this.#connectors = connectors
    this.diagnosis = new DiagnosisReader({ ...common, reads: this.#reads, tasks: this.#tasks, connectors })
    this.#writes = new HerderWrites({
      configState,
      logger,
      reads: this.#reads,
      statuses,
      writer: configs,
      validate: async (config) => await connectors.runner.validate(config, options.groupSettings),
      tasksEnded: async (connector) => await this.#loop.tasksEnded(connector),
      fenceTasks: options.fenceTasks,
      leadership: async () => await this.#loop.joinedMembership(),
    })
    this.#offsets = new OffsetAlteration({
      reads: this.#reads,
      writes: this.#writes,
      writer: options.offsetWriter,
      plugins: connectors.runner,
    })
    this.#internal = new InternalRequests({
      ...options,
      membership: async () => await this.#loop.joinedMembership(),
      putTasks: async (connector, taskConfigs) => await this.#writes.putTasks(connector, taskConfigs),
    })
    const reconfigurer = new TaskReconfigurer({
      configState,
      connectors: connectors.runner,
      classNameOf: (config) => this.#reads.classNameOf(config),
      clock,
      logger,
      isAssigned: (connector) => connectors.has(connector) && !this.#loop.isStopping,
      write: async (...taskConfigs) => await this.#internal.writeTasks(...taskConfigs),
      onInvalid: (connector, trace) => connectors.onConnectorFailed(connector, { trace, isTransient: false }),
      onWaiting: (connector, reason) => void connectors.showWaiting(connector, 'TASK_CONFIGS', reason),
    })
    const reconciler = new AssignmentReconciler({ configState, connectors, tasks: this.#tasks, queues })
    this.#loop = new HerderLoop({
      ...common,
      reads: this.#reads,
      connectors,
      tasks: this.#tasks,
      reconciler,
      group: () => this.#group,
    })
    this.#group = options.joinGroup({
      snapshot: () => this.#loop.snapshot(),
      stopping: () => reconciler.stopping(),
      catchUp: async () => await configs.refresh(),
      classOf: (connector) => this.#reads.classOf(connector),
      onMembership: async (membership) => {
        // By the eager protocol, a member has no generation either while it joins again.
        if (membership.generation < 0 && !options.lease.isValid)
          await configs.abandonWrites('this worker was removed from its group')
        this.#internal.onMembership(membership)
        return await this.#loop.onMembership(membership)
      },
    })
  }

  /** Reads the internal topics to their ends, then joins the group. @throws ConfigError, ConnectError */
  async start(signal: AbortSignal): Promise<void> {
    const { configs, statuses, offsets } = this.#options
    await Promise.all([
      configs.start((record, offset) => this.#onConfigRecord(record, offset), signal),
      statuses.start(signal, (status) => this.#loop.onStatus(status)),
      offsets.start(signal),
    ])
    this.#isFollowing = true
    warnOfLostOffsets({ ...this.#options, configState: this.#configState })
    this.#group.start()
  }

  /** Stops connectors and tasks, gracefully as far as the time allows, and rejects requests from now on (I9). */
  async stopWork(): Promise<void> {
    await this.#loop.stop()
    this.#internal.stop()
  }

  /** Leaves the group; stop the work before. */
  async leaveGroup(): Promise<void> {
    await this.#group.close()
  }

  /** Ends the threads of connectors and tasks; leave the group before. */
  async close(): Promise<void> {
    await Promise.all([this.#tasks.runner.close(), this.#connectors.runner.close()])
  }

  /** The metrics of connectors, tasks and their threads. */
  samples(): readonly LabelledSample[] {
    return [
      ...stateSamples(this.#options.statuses),
      ...this.#tasks.runner.samples(),
      ...this.#events.samples((connector) => this.#configState.has(connector)),
    ]
  }

  serverInfo(): ServerInfo {
    return this.#options.serverInfo
  }

  async health(signal: AbortSignal): Promise<WorkerHealth> {
    return await this.#loop.health(signal)
  }

  stage(): string {
    return this.#loop.stage()
  }

  loggers(): ReadonlyMap<string, LoggerSetting> {
    return this.#options.logLevels.settings()
  }

  setLoggerLevel(logger: string, level: LoggerLevel): readonly string[] {
    const { logLevels: levels, clock } = this.#options
    return levels.set(logger, level, clock.now())
  }

  async setClusterLoggerLevel(logger: string, level: LoggerLevel, signal: AbortSignal): Promise<void> {
    await this.#request(this.#options.configs.putLoggerLevel(logger, level), signal)
  }

  async connectors(): Promise<readonly string[]> {
    return this.#reads.connectors()
  }

  async connectorInfo(connector: string): Promise<ConnectorInfo> {
    return this.#reads.connectorInfo(connector)
  }

  async connectorConfig(connector: string): Promise<RawConfig> {
    return this.#reads.connectorConfig(connector)
  }

  async connectorStatus(connector: string): Promise<ConnectorStatus> {
    return this.#reads.connectorStatus(connector)
  }

  async taskInfos(connector: string): Promise<readonly TaskInfo[]> {
    return this.#reads.taskInfos(connector)
  }

  async taskStatus(id: TaskId): Promise<TaskStatus> {
    return this.#reads.taskStatus(id)
  }

  async activeTopics(connector: string): Promise<readonly string[]> {
    if (!this.#options.topicTracking) throw new ForbiddenError('Topic tracking is disabled.')
    return this.#reads.activeTopics(connector)
  }

  async resetActiveTopics(connector: string): Promise<void> {
    const { topicTracking, topicTrackingReset, statuses } = this.#options
    if (!topicTracking) throw new ForbiddenError('Topic tracking is disabled.')
    if (!topicTrackingReset) throw new ForbiddenError('Topic tracking reset is disabled.')
    statuses.resetTopics(connector)
  }

  async connectorOffsets(connector: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    return await abortable(this.#reads.connectorOffsets(connector, signal), signal)
  }

  async connectorErrors(connector: string, request: ErrorsRequest, signal: AbortSignal): Promise<ConnectorErrors> {
    const config = this.#reads.connectorConfig(connector)
    return await this.#request(this.#options.errors.of(connector, config, request, signal), signal)
  }

  async replayConnectorErrors(connector: string, request: ReplayRequest, signal: AbortSignal): Promise<ErrorsReplay> {
    const { offsetWriter: writer, letters: client, clock } = this.#options
    const plugins = this.#connectors.runner
    const replayer = new ErrorsReplayer({ reads: this.#reads, writes: this.#writes, writer, plugins, client, clock })
    return await this.#request(replayer.replay(connector, request, signal), signal)
  }

  async alterConnectorOffsets(
    connector: string,
    offsets: readonly RequestedOffset[],
    signal: AbortSignal,
  ): Promise<string> {
    return await this.#request(this.#offsets.alter(connector, offsets, signal), signal)
  }

  async resetConnectorOffsets(connector: string, signal: AbortSignal): Promise<string> {
    return await this.#request(this.#offsets.reset(connector, signal), signal)
  }

  async createConnector(
    connector: string,
    config: SubmittedConfig,
    initialState: TargetState | null,
    signal: AbortSignal,
  ): Promise<SubmittedConnector> {
    return await this.#request(this.#writes.create(connector, config, initialState), signal)
  }

  async putConnectorConfig(
    connector: string,
    config: SubmittedConfig,
    signal: AbortSignal,
  ): Promise<SubmittedConnector> {
    return await this.#request(this.#writes.put(connector, config), signal)
  }

  async patchConnectorConfig(
    connector: string,
    patch: SubmittedConfig,
    signal: AbortSignal,
  ): Promise<SubmittedConnector> {
    return await this.#request(this.#writes.patch(connector, patch), signal)
  }

  async putTaskConfigs(
    connector: string,
    configs: readonly RawConfig[],
    signed: SignedRequest,
    signal: AbortSignal,
  ): Promise<void> {
    await abortable(this.#internal.check(signed), signal)
    await this.#request(this.#writes.putTasks(connector, configs), signal)
  }

  async fenceZombies(connector: string, signed: SignedRequest, signal: AbortSignal): Promise<void> {
    await abortable(this.#internal.check(signed), signal)
    await this.#request(this.#writes.fence(connector), signal)
  }

  async deleteConnector(connector: string, signal: AbortSignal): Promise<void> {
    await this.#request(this.#writes.remove(connector), signal)
  }

  async pauseConnector(connector: string, signal: AbortSignal): Promise<void> {
    await this.#request(this.#writes.setTargetState(connector, 'PAUSED'), signal)
  }

  async resumeConnector(connector: string, signal: AbortSignal): Promise<void> {
    await this.#request(this.#writes.setTargetState(connector, 'STARTED'), signal)
  }

  async stopConnector(connector: string, signal: AbortSignal): Promise<void> {
    await this.#request(this.#writes.stop(connector), signal)
  }

  async restartConnector(connector: string, signal: AbortSignal): Promise<void> {
    if (!this.#configState.has(connector)) throw new NotFoundError(`Unknown connector: ${connector}`)
    if (!this.#connectors.has(connector))
      throw this.#notAssigned(`connector ${connector}`, this.#group.ownerOfConnector(connector))
    await this.#request(this.#connectors.restartConnector(connector), signal)
  }

  async restartConnectorAndTasks(request: RestartRequest, signal: AbortSignal): Promise<ConnectorStatus> {
    return await this.#request(this.#writes.restart(request), signal)
  }

  async restartTask(id: TaskId, signal: AbortSignal): Promise<void> {
    const configState = this.#configState
    if (!configState.has(id.connector)) throw new NotFoundError(`Unknown connector: ${id.connector}`)
    if (!Object.hasOwn(configState.tasks(id.connector), id.task))
      throw new NotFoundError(`Unknown task: ${formatTaskId(id)}`)
    if (!this.#tasks.has(id)) throw this.#notAssigned(`task ${formatTaskId(id)}`, this.#group.ownerOfTask(id))
    await this.#request(this.#tasks.restartTask(id), signal)
  }

  async plugins(): Promise<readonly PluginInfo[]> {
    return this.#reads.plugins()
  }

  async pluginConfig(plugin: string, version: string | null, signal: AbortSignal): Promise<readonly ConfigKeyInfo[]> {
    checkVersion(this.#options.plugins.any(plugin), version)
    return await this.#request(this.#connectors.runner.pluginConfig(plugin), signal)
  }

  async validateConnectorConfig(config: SubmittedConfig, signal: AbortSignal): Promise<ConfigInfos> {
    if ((config['connector.class'] ?? null) === null) throw new BadRequestError(missingClassMessage(config))
    const { configs, groupSettings } = this.#options
    configs.checkSize(config['name'] ?? '', config)
    return await this.#request(this.#connectors.runner.validate(config, groupSettings), signal)
  }

  #onConfigRecord(record: ConfigRecord | null, offset: number): void {
    const change = record === null ? this.#configState.skip(offset) : this.#configState.apply(record, offset)
    this.#options.onActivity()
    // Levels that were set before this worker started do not count, as in Connect.
    if (record?.type === 'session-key') this.#internal.onSessionKey(record)
    if (record?.type === 'logger-level' && this.#isFollowing)
      applyClusterLevel(record, (...level) => this.setLoggerLevel(...level), this.#options.logger)
    if (change !== null && this.#isFollowing) this.#loop.onConfigChange(change)
  }

  /** The leader knows the owner, and others ask the leader. */
  #notAssigned(what: string, owner: string | null): NotAssignedError {
    const { isLeader, leaderUrl } = this.#loop.membership
    return new NotAssignedError(`This worker does not run ${what}.`, isLeader ? owner : leaderUrl)
  }

  async #request<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#loop.isStopping) {
      work.catch(() => undefined)
      throw new WorkerStoppingError()
    }
    try {
      return await abortable(work, signal)
    } catch (error) {
      // The plugin threads have ended with the worker, in the middle of the request.
      if (this.#loop.isStopping && error instanceof ThreadEndedError) throw new WorkerStoppingError()
      throw error
    }
  }
}
