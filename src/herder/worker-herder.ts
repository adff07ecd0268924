import type { TargetState } from '../config/connector/target-state.ts'
import { type TaskId, formatTaskId } from '../config/connector/task-id.ts'
import { abortable } from '../foundation/async/abortable.ts'
import { errorMessage } from '../foundation/error-message.ts'
import type { RawConfig } from '../api/config-def.ts'
import { NotFoundError } from '../api/errors.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../config/definition/config-infos.ts'
import type { WorkerGroup as GroupSettings } from '../config/connector/connector-problems.ts'
import { missingClassMessage } from '../config/connector/validate-connector.ts'
import type { Clock } from '../foundation/clock.ts'
import { deferred, type Deferred } from '../foundation/async/deferred.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { PluginRegistry } from '../plugin/plugin-registry.ts'
import { SerialLock } from '../runtime/serial-lock.ts'
import type { Worker } from '../runtime/worker.ts'
import type { WorkSet } from './group/assignment.ts'
import { sameWork } from './group/assignor.ts'
import type { ConfigChange, ConfigFold } from './config-fold.ts'
import type { ConnectorInfo } from './entities/connector-info.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { ConnectorStatus, TaskStatus } from './entities/connector-status.ts'
import type { PluginInfo } from './entities/plugin-info.ts'
import type { RestartRequest } from './entities/restart-request.ts'
import type { ServerInfo } from './entities/server-info.ts'
import type { TaskInfo } from './entities/task-info.ts'
import type { WorkerHealth } from './entities/worker-health.ts'
import { BadRequestError, ForbiddenError, NotAssignedError, WorkerStoppingError } from './herder-errors.ts'
import { HerderReads, type KnownOffsets, type KnownStatuses } from './herder-reads.ts'
import { HerderWrites, planRestart, unusableMessage, type ConfigWriter } from './herder-writes.ts'
import type { Herder, SubmittedConnector } from './herder.ts'
import { LocalWork, type StatusWriter } from './local/local-work.ts'
import { StageLog } from './stage-log.ts'
import { TaskConfigMaker } from './task-config-maker.ts'
import type { KnownConfiguration, Membership } from './group/worker-group.ts'

/** The states of the group: read by REST, written by this worker for what it runs. */
export interface Statuses extends KnownStatuses, StatusWriter {
  /** The generation under which states are written from here on. */
  setGeneration(generation: number): void
  /** Connectors and tasks that have a state. */
  known(): { readonly connectors: readonly string[]; readonly tasks: readonly TaskId[] }
  /** Removes what is not configured any more. */
  removeConnector(connector: string): void
  removeTask(id: TaskId): void
  topic(id: TaskId, topic: string): void
}

/** What the herder has the worker do. */
export type HerdedWorker = Pick<
  Worker,
  | 'startConnector'
  | 'stopConnector'
  | 'taskConfigs'
  | 'startTask'
  | 'stopTask'
  | 'pauseTask'
  | 'resumeTask'
  | 'validate'
  | 'pluginConfig'
>

export interface WorkerHerderOptions {
  readonly fold: ConfigFold
  readonly statuses: Statuses
  readonly offsets: KnownOffsets
  readonly writer: ConfigWriter
  readonly worker: HerdedWorker
  readonly plugins: PluginRegistry
  readonly serverInfo: ServerInfo
  readonly group: GroupSettings
  readonly gracefulMs: number
  readonly topicTracking: boolean
  readonly clock: Clock
  readonly logger: Logger
  /** Asks for a round of the group. */
  readonly requestRound: (reason: string) => void
}

/**
 * Decides what this worker runs: follows the config topic and the group, and brings the local work in line with both.
 * Everything that changes what is to run goes through one lock, inside which nobody waits for a plugin.
 */
export class WorkerHerder implements Herder {
  readonly #options: WorkerHerderOptions
  readonly #reads: HerderReads
  readonly #writes: HerderWrites
  readonly #local: LocalWork
  readonly #taskConfigs: TaskConfigMaker
  readonly #lock = new SerialLock()
  readonly #stage: StageLog
  #membership: Membership = { generation: -1, isLeader: false, leaderUrl: null, work: { connectors: [], tasks: [] } }
  #joined: Deferred<void> = deferred<void>()
  #ready = false
  #stopping = false
  #reconcileAsked = false

  constructor(options: WorkerHerderOptions) {
    const { fold, statuses, offsets, plugins, writer, worker, clock, logger } = options
    this.#options = options
    this.#stage = new StageLog(clock)
    this.#reads = new HerderReads(fold, statuses, offsets, plugins)
    this.#writes = new HerderWrites({
      fold,
      logger,
      reads: this.#reads,
      statuses,
      writer,
      validate: async (config) => await worker.validate(config, options.group),
      leadership: async () => await this.#joinedMembership(),
    })
    this.#taskConfigs = new TaskConfigMaker({
      fold,
      worker,
      className: (config) => this.#reads.classNameOf(config),
      clock,
      logger,
      isLeader: () => this.#membership.isLeader && !this.#stopping,
      write: async (connector, configs) => await this.#writes.putTasks(connector, configs),
      onRefused: (connector, trace) => this.#local.connectorFailed(connector, trace),
      onTrouble: (connector, trace) => this.#local.connectorTrouble(connector, trace),
    })
    this.#local = new LocalWork({
      worker,
      fold,
      status: statuses,
      clock,
      logger,
      gracefulMs: options.gracefulMs,
      onConnectorStarted: (connector) => void this.#taskConfigs.make(connector),
    })
  }

  /** What runs here; the worker's events go to it. */
  get local(): LocalWork {
    return this.#local
  }

  /** What the whole group is to run, by the config topic. */
  configuration(): KnownConfiguration {
    const { fold } = this.#options
    const connectors = fold.connectors()
    const tasks = connectors.flatMap((connector) => fold.tasks(connector).map((_, task) => ({ connector, task })))
    return { offset: fold.offset, work: { connectors, tasks } }
  }

  /** Takes up what a round of the group brought; resolves when what is to be given up has stopped. */
  async onMembership(membership: Membership): Promise<void> {
    this.#membership = membership
    if (membership.generation >= 0) this.#joined.resolve()
    else this.#joined = deferred<void>()
    this.#options.statuses.setGeneration(membership.generation)
    let released = Promise.resolve()
    await this.#exclusively('taking up an assignment', () => {
      if (!this.#stopping) released = this.#local.reconcile(membership.work)
      if (membership.isLeader) this.#tendStates()
    })
    await released
    this.#ready ||= membership.generation >= 0
    // Records may have come between the leader's decision and here.
    this.#checkAssignment()
  }

  /** A record of the config topic changed something; called after the fold took it in. */
  onConfigChange(change: ConfigChange): void {
    if (this.#stopping) return
    if (change.type === 'restart') {
      void this.#exclusively(`restarting ${change.connector}`, async () => this.#restartLocally(change))
      return
    }
    this.#checkAssignment()
    if (this.#reconcileAsked) return
    this.#reconcileAsked = true
    void this.#exclusively('applying the configuration', () => {
      this.#reconcileAsked = false
      void this.#local.reconcile()
      if (this.#membership.isLeader) this.#tendStates()
    })
  }

  /** The connector wants its task configs to be made again. */
  onReconfigure(connector: string): void {
    void this.#taskConfigs.make(connector)
  }

  onTopic(id: TaskId, topic: string): void {
    if (this.#options.topicTracking) this.#options.statuses.topic(id, topic)
  }

  /** Stops everything that runs here, in order as far as the time allows. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#exclusively('stopping', async () => await this.#local.stopAll())
  }

  serverInfo(): ServerInfo {
    return this.#options.serverInfo
  }

  async health(signal: AbortSignal): Promise<WorkerHealth> {
    try {
      await abortable(
        this.#lock.run(async () => undefined),
        signal,
      )
      return this.#ready ? { status: 'healthy' } : { status: 'starting', stage: this.stage() }
    } catch (error) {
      if (!signal.aborted) throw error
      return { status: this.#ready ? 'unhealthy' : 'starting', stage: this.stage() }
    }
  }

  stage(): string {
    return this.#stage.toString()
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

  async connectorOffsets(connector: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    return await abortable(this.#reads.connectorOffsets(connector, signal), signal)
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
    if (!this.#options.fold.has(connector)) throw new NotFoundError(`Unknown connector: ${connector}`)
    if (!this.#local.ownsConnector(connector)) throw this.#notAssigned(`connector ${connector}`)
    await this.#request(this.#local.restartConnector(connector), signal)
  }

  async restartConnectorAndTasks(request: RestartRequest, signal: AbortSignal): Promise<ConnectorStatus> {
    return await this.#request(this.#writes.restart(request), signal)
  }

  async restartTask(id: TaskId, signal: AbortSignal): Promise<void> {
    const { fold } = this.#options
    if (!fold.has(id.connector)) throw new NotFoundError(`Unknown connector: ${id.connector}`)
    if (!Object.hasOwn(fold.tasks(id.connector), id.task)) throw new NotFoundError(`Unknown task: ${formatTaskId(id)}`)
    if (!this.#local.ownsTask(id)) throw this.#notAssigned(`task ${formatTaskId(id)}`)
    await this.#request(this.#local.restartTask(id), signal)
  }

  async plugins(): Promise<readonly PluginInfo[]> {
    return this.#reads.plugins()
  }

  async pluginConfig(plugin: string, signal: AbortSignal): Promise<readonly ConfigKeyInfo[]> {
    this.#options.plugins.any(plugin)
    return await this.#request(this.#options.worker.pluginConfig(plugin), signal)
  }

  async validateConnectorConfig(config: SubmittedConfig, signal: AbortSignal): Promise<ConfigInfos> {
    if ((config['connector.class'] ?? null) === null) throw new BadRequestError(missingClassMessage(config))
    this.#options.writer.checkSize(config['name'] ?? '', config)
    return await this.#request(this.#options.worker.validate(config, this.#options.group), signal)
  }

  #notAssigned(what: string): NotAssignedError {
    const { isLeader, leaderUrl } = this.#membership
    return new NotAssignedError(`This worker does not run ${what}.`, isLeader ? null : leaderUrl)
  }

  async #request<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#stopping) {
      work.catch(() => undefined)
      throw new WorkerStoppingError()
    }
    return await abortable(work, signal)
  }

  async #joinedMembership(): Promise<Membership> {
    while (this.#membership.generation < 0) await this.#joined.promise
    return this.#membership
  }

  /** The leader asks for a round when what is configured is not what was given out. */
  #checkAssignment(): void {
    const wanted: WorkSet = this.configuration().work
    if (this.#membership.isLeader && !this.#stopping && !sameWork(wanted, this.#membership.work)) {
      this.#options.requestRound('the configured work has changed')
    }
  }

  /** This worker's part of a restart request. */
  #restartLocally(request: RestartRequest): void {
    const { statuses, logger } = this.#options
    const { connector } = request
    if (statuses.connector(connector) === null) return
    const plan = planRestart(request, this.#reads.connectorStatus(connector))
    if (plan.connector.state === 'RESTARTING' && this.#local.ownsConnector(connector)) {
      statuses.putConnector(connector, 'RESTARTING', null)
      this.#local.restartConnector(connector).catch((error: unknown) => {
        logger.warn(`connector ${connector} did not come up after its restart: ${errorMessage(error)}`)
      })
    }
    for (const task of plan.tasks) {
      const id = { connector, task: task.id }
      if (task.state !== 'RESTARTING' || !this.#local.ownsTask(id)) continue
      statuses.putTask(id, 'RESTARTING', null)
      void this.#local.restartTask(id)
    }
  }

  /** On the leader: the states of what nobody runs. */
  #tendStates(): void {
    this.#showUnusable()
    this.#removeOrphans()
  }

  #showUnusable(): void {
    const { fold, statuses, logger } = this.#options
    for (const [name, unusable] of fold.unusable()) {
      const message = unusableMessage(name, unusable)
      if (statuses.connector(name)?.trace === message) continue
      logger.error(message)
      statuses.putConnector(name, 'FAILED', message)
    }
  }

  /** States of connectors and tasks that are not configured any more. */
  #removeOrphans(): void {
    const { fold, statuses } = this.#options
    const known = statuses.known()
    for (const name of known.connectors) {
      if (!fold.has(name) && !fold.unusable().has(name)) statuses.removeConnector(name)
    }
    for (const id of known.tasks) if (id.task >= fold.taskCount(id.connector)) statuses.removeTask(id)
  }

  /** One after another; a failure is a fault of ours, told and survived. */
  async #exclusively(what: string, action: () => Promise<void> | void): Promise<void> {
    await this.#lock.run(async () => {
      try {
        await this.#stage.during(what, async () => await action())
      } catch (error) {
        this.#options.logger.error(`${what} failed: ${errorMessage(error)}`, { error })
      }
    })
  }
}
