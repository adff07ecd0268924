import { ConfigProviders } from '../../../src/config/providers/config-providers.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import type { TargetState } from '../../../src/config/connector/target-state.ts'
import type { TaskId } from '../../../src/config/connector/task-id.ts'
import type { RawConfig } from '../../../src/api/config-def.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../../../src/config/definition/config-infos.ts'
import type { Finding } from '../../../src/diagnosis/finding.ts'
import type { ConnectorDiagnosis, Diagnosis } from '../../../src/herder/entities/connector-diagnosis.ts'
import type { ConnectorErrors, ErrorsReplay, ReplayRequest } from '../../../src/herder/entities/connector-errors.ts'
import type { ConnectorInfo } from '../../../src/herder/entities/connector-info.ts'
import type { ConnectorOffsets } from '../../../src/herder/entities/connector-offsets.ts'
import type { ConnectorStatus, TaskStatus } from '../../../src/herder/entities/connector-status.ts'
import type { RunState } from '../../../src/storage/status-record.ts'
import { checkVersion, type PluginInfo } from '../../../src/herder/entities/plugin-info.ts'
import type { RestartRequest } from '../../../src/herder/entities/restart-request.ts'
import type { TaskInfo } from '../../../src/herder/entities/task-info.ts'
import type { WorkerHealth } from '../../../src/herder/entities/worker-health.ts'
import type { Herder, SubmittedConnector } from '../../../src/herder/herder.ts'

import { AlreadyExistsError, NotFoundError } from '../../../src/api/errors.ts'
import { describePlugin } from '../../../src/config/definition/describe-plugin.ts'
import { missingClassMessage, validateConnector } from '../../../src/config/connector/validate-connector.ts'
import { BadRequestError, InvalidConnectorConfigError } from '../../../src/herder/herder-errors.ts'
import {
  sinkOffsetChanges,
  sourceOffsetChanges,
  type RequestedOffset,
} from '../../../src/herder/offsets/offset-changes.ts'
import { LogLevels, type LoggerLevel } from '../../../src/foundation/logging/log-levels.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'

interface Entry {
  readonly config: RawConfig
  readonly type: 'source' | 'sink'
  readonly tasks: number
  target: TargetState
}

const states: Readonly<Record<TargetState, RunState>> = { STARTED: 'RUNNING', PAUSED: 'PAUSED', STOPPED: 'STOPPED' }

const pausedFinding: Finding = {
  code: 'CONNECTOR_PAUSED',
  severity: 'info',
  stage: 'worker',
  task: null,
  since: null,
  cause: 'it is paused',
  evidence: { waiting_records: 3 },
  fix: 'Resume it',
  commands: [],
}

/** A herder whose topics are maps: writes take effect at once, nothing runs. Validation is the real one. */
export class MemoryHerder implements Herder {
  readonly #connectors = new Map<string, Entry>()
  readonly #plugins = new PluginRegistry(fileConnectors)
  /** What {@link createConnector} and {@link putConnectorConfig} warn of. */
  warnings: readonly string[] = []
  /** The worker that status records name. */
  readonly workerId = '127.0.0.1:8083'
  /** The result of {@link health}; null hangs until the signal fires. */
  healthAnswer: WorkerHealth | null = { status: 'healthy' }
  /** Thrown by everything that reads or writes connectors, once set. */
  failure: Error | null = null
  readonly levels = LogLevels.startingAt('info')
  readonly failedTasks = new Map<string, string>()
  readonly offsets = new Map<string, ConnectorOffsets>()
  readonly topics = new Map<string, readonly string[]>()
  readonly errors = new Map<string, ConnectorErrors>()
  readonly replays: ReplayRequest[] = []

  serverInfo(): ReturnType<Herder['serverInfo']> {
    return { version: '3.9.1', commit: 'f745dfdcee2b9851', kafkaClusterId: 'AWfKAj4MQ5yVi_-_d_bcfg' }
  }

  async health(signal: AbortSignal): Promise<WorkerHealth> {
    if (this.healthAnswer !== null) return this.healthAnswer
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return { status: 'unhealthy', stage: this.stage() }
  }

  stage(): string {
    return 'The worker is currently polling the group.'
  }

  loggers(): ReturnType<Herder['loggers']> {
    return this.levels.settings()
  }

  setLoggerLevel(logger: string, level: LoggerLevel): readonly string[] {
    return this.levels.set(logger, level, 0)
  }

  async setClusterLoggerLevel(logger: string, level: LoggerLevel): Promise<void> {
    this.levels.set(logger, level, 0)
  }

  async connectors(): Promise<readonly string[]> {
    return [...this.#connectors.keys()]
  }

  async connectorInfo(connector: string): Promise<ConnectorInfo> {
    const { config, type, tasks } = this.#entry(connector)
    return { name: connector, config, type, tasks: Array.from({ length: tasks }, (_, task) => ({ connector, task })) }
  }

  async connectorConfig(connector: string): Promise<RawConfig> {
    return this.#entry(connector).config
  }

  async connectorStatus(connector: string): Promise<ConnectorStatus> {
    const { target, type, tasks } = this.#entry(connector, `No status found for connector ${connector}`)
    const status = { workerId: this.workerId, trace: null, state: states[target] }
    const ids = target === 'STOPPED' ? [] : Array.from({ length: tasks }, (_, id) => id)
    return {
      name: connector,
      type,
      connector: status,
      tasks: ids.map((id) => this.#taskStatus(connector, id, status.state)),
    }
  }

  async taskInfos(connector: string): Promise<readonly TaskInfo[]> {
    const { config, tasks } = this.#entry(connector)
    return Array.from({ length: tasks }, (_, task) => ({ id: { connector, task }, config }))
  }

  async taskStatus({ connector, task }: TaskId): Promise<TaskStatus> {
    const none = `No status found for task ${connector}-${task}`
    this.#entry(connector, none)
    const found = (await this.connectorStatus(connector)).tasks.find(({ id }) => id === task)
    if (found === undefined) throw new NotFoundError(none)
    return found
  }

  async activeTopics(connector: string): Promise<readonly string[]> {
    return this.topics.get(connector) ?? []
  }

  async connectorOffsets(connector: string): Promise<ConnectorOffsets> {
    this.#entry(connector)
    return this.offsets.get(connector) ?? []
  }

  get diagnosis(): Diagnosis {
    return {
      ofConnector: async (connector) => await this.#diagnosisOf(connector),
      ofWorker: () => {
        const names = [null, ...this.#connectors.keys()]
        return { checkedAt: 0, findings: names.map((connector) => ({ connector, finding: pausedFinding })) }
      },
    }
  }

  async #diagnosisOf(connector: string): Promise<ConnectorDiagnosis> {
    const { target, type } = this.#entry(connector)
    const { state } = (await this.connectorStatus(connector)).connector
    const tasks = (await this.connectorStatus(connector)).tasks.map(({ id }) => ({
      id,
      state,
      workerId: this.workerId,
      restarts: 0,
      flow: null,
    }))
    const findings = target === 'STARTED' ? [] : [{ ...pausedFinding, cause: `connector ${connector} is ${state}` }]
    return { connector, type, checkedAt: 0, verdict: 'healthy', findings, tasks, backlogRecords: null }
  }

  async connectorErrors(connector: string): Promise<ConnectorErrors> {
    this.#entry(connector)
    const errors = this.errors.get(connector)
    if (errors === undefined) throw new BadRequestError(`Connector ${connector} has no dead letter queue.`)
    return errors
  }

  async replayConnectorErrors(connector: string, request: ReplayRequest): Promise<ErrorsReplay> {
    this.#entry(connector)
    this.replays.push(request)
    const partitions = [{ topic: 'orders', partition: 0, records: 2, from: 5, until: 9 }]
    return { topic: 'letters', partitions, unread: 0, more: false, gone: 1, message: 'The records are delivered again' }
  }

  async resetActiveTopics(connector: string): Promise<void> {
    this.topics.delete(connector)
  }

  async alterConnectorOffsets(connector: string, requested: readonly RequestedOffset[]): Promise<string> {
    if (this.#entry(connector).type === 'sink') sinkOffsetChanges(requested)
    else sourceOffsetChanges(requested)
    const altered = requested.flatMap(({ partition, offset }) =>
      partition === null || offset === null ? [] : [{ partition, offset }],
    )
    this.offsets.set(connector, altered)
    return 'altered'
  }

  async resetConnectorOffsets(connector: string): Promise<string> {
    this.#entry(connector)
    this.offsets.delete(connector)
    return 'reset'
  }

  async createConnector(
    connector: string,
    config: SubmittedConfig,
    initialState: TargetState | null,
    signal: AbortSignal,
  ): Promise<SubmittedConnector> {
    const valid = await this.#validated(config, signal)
    if (this.#connectors.has(connector)) throw new AlreadyExistsError(`Connector ${connector} already exists`)
    this.#set(connector, valid, initialState ?? 'STARTED')
    const info = { name: connector, config: valid, tasks: [], type: this.#entry(connector).type }
    return { created: true, info, warnings: this.warnings }
  }

  async putConnectorConfig(
    connector: string,
    config: SubmittedConfig,
    signal: AbortSignal,
  ): Promise<SubmittedConnector> {
    const valid = await this.#validated(config, signal)
    const before = this.#connectors.get(connector)
    const tasks = before === undefined ? [] : (await this.connectorInfo(connector)).tasks
    this.#set(connector, valid, before?.target ?? 'STARTED')
    const { type } = this.#entry(connector)
    return {
      created: before === undefined,
      info: { name: connector, config: valid, tasks, type },
      warnings: this.warnings,
    }
  }

  async patchConnectorConfig(
    connector: string,
    patch: SubmittedConfig,
    signal: AbortSignal,
  ): Promise<SubmittedConnector> {
    const merged = Object.entries({ ...this.#entry(connector).config, ...patch }).filter((entry) => entry[1] !== null)
    return await this.putConnectorConfig(connector, Object.fromEntries(merged), signal)
  }

  async putTaskConfigs(connector: string): Promise<void> {
    this.#entry(connector)
  }

  async fenceZombies(connector: string): Promise<void> {
    if (this.#entry(connector).type === 'sink')
      throw new BadRequestError(`Connector ${connector} is not a source connector`)
  }

  async deleteConnector(connector: string): Promise<void> {
    this.#entry(connector)
    this.#connectors.delete(connector)
  }

  async pauseConnector(connector: string): Promise<void> {
    this.#entry(connector, `Unknown connector ${connector}`).target = 'PAUSED'
  }

  async resumeConnector(connector: string): Promise<void> {
    this.#entry(connector, `Unknown connector ${connector}`).target = 'STARTED'
  }

  async stopConnector(connector: string): Promise<void> {
    this.#entry(connector, `Unknown connector ${connector}`).target = 'STOPPED'
  }

  async restartConnector(connector: string): Promise<void> {
    this.#entry(connector, `Unknown connector: ${connector}`)
  }

  async restartConnectorAndTasks(request: RestartRequest): Promise<ConnectorStatus> {
    this.#entry(request.connector, `Unknown connector: ${request.connector}`)
    const status = await this.connectorStatus(request.connector)
    const planned = (state: RunState): RunState => (request.onlyFailed && state !== 'FAILED' ? state : 'RESTARTING')
    return {
      ...status,
      connector: { ...status.connector, state: planned(status.connector.state) },
      tasks: status.tasks.map((task) =>
        request.includeTasks ? Object.assign({}, task, { state: planned(task.state) }) : task,
      ),
    }
  }

  async restartTask({ connector, task }: TaskId): Promise<void> {
    const { tasks } = this.#entry(connector, `Unknown connector: ${connector}`)
    if (task >= tasks) throw new NotFoundError(`Unknown task: ${connector}-${task}`)
    this.failedTasks.delete(`${connector}-${task}`)
  }

  async plugins(): Promise<readonly PluginInfo[]> {
    return this.#plugins.list().flatMap(({ className, kind, version }) => {
      return kind === 'configprovider' ? [] : [{ className, kind, version }]
    })
  }

  async pluginConfig(plugin: string, version: string | null): Promise<readonly ConfigKeyInfo[]> {
    checkVersion(this.#plugins.any(plugin), version)
    return await describePlugin(this.#plugins, plugin)
  }

  async validateConnectorConfig(config: SubmittedConfig, signal: AbortSignal): Promise<ConfigInfos> {
    if ((config['connector.class'] ?? null) === null) throw new BadRequestError(missingClassMessage(config))
    const plugins = this.#plugins
    const providers = new ConfigProviders({ settings: [], plugins, clock: systemClock })
    const context = { plugins, providers, worker: { groupId: 'connect-cluster' }, signal }
    return (await validateConnector(config, context)).infos
  }

  async #validated(config: SubmittedConfig, signal: AbortSignal): Promise<RawConfig> {
    const infos = await this.validateConnectorConfig(config, signal)
    if (infos.errorCount > 0) throw new InvalidConnectorConfigError(infos)
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, value ?? '']))
  }

  #set(connector: string, config: RawConfig, target: TargetState): void {
    const { kind } = this.#plugins.connector(config['connector.class'] ?? '')
    const tasks = kind === 'sink' ? Number(config['tasks.max'] ?? 1) : 1
    this.#connectors.set(connector, { config, type: kind, tasks, target })
  }

  #entry(connector: string, none = `Connector ${connector} not found`): Entry {
    if (this.failure !== null) throw this.failure
    const entry = this.#connectors.get(connector)
    if (entry === undefined) throw new NotFoundError(none)
    return entry
  }

  #taskStatus(connector: string, id: number, state: RunState): TaskStatus {
    const trace = this.failedTasks.get(`${connector}-${id}`) ?? null
    return { id, state: trace === null ? state : 'FAILED', workerId: this.workerId, trace }
  }
}
