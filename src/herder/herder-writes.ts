import type { TargetState } from '../config/connector/target-state.ts'
import type { RawConfig } from '../api/config-def.ts'
import { AlreadyExistsError, ConnectError, NotFoundError } from '../api/errors.ts'
import type { ConfigInfos, SubmittedConfig } from '../config/definition/config-infos.ts'
import { missingClassMessage } from '../config/connector/validate-connector.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { SerialLock } from '../runtime/serial-lock.ts'
import type { ConfigBackingStore } from '../storage/config-backing-store.ts'
import type { ConnectorStatus } from './entities/connector-status.ts'
import type { RestartRequest } from './entities/restart-request.ts'
import { BadRequestError, InvalidConnectorConfigError, NotLeaderError } from './herder-errors.ts'
import type { SubmittedConnector } from './herder.ts'
import type { HerderReads } from './herder-reads.ts'
import { KeyedQueues } from './local/keyed-queues.ts'
import { planRestart } from './restart-plan.ts'
import { unusableMessage, type ClusterConfigState } from './state/cluster-config-state.ts'
import type { WorkerStatusStore } from './state/worker-status-store.ts'

/** Writes to the config topic. Each write resolves once it has been read back, so that the config state holds it. */
export type ConfigWriter = Pick<
  ConfigBackingStore,
  | 'checkSize'
  | 'refresh'
  | 'putConnectorConfig'
  | 'removeConnectorConfig'
  | 'putTaskConfigs'
  | 'putTaskCount'
  | 'putTargetState'
  | 'putStopped'
  | 'putRestartRequest'
>

/** The leader of the group; `leaderUrl` is null while none is known. */
export interface Leadership {
  readonly isLeader: boolean
  readonly leaderUrl: string | null
}

export interface HerderWritesOptions {
  readonly configState: ClusterConfigState
  readonly reads: HerderReads
  readonly statuses: WorkerStatusStore
  readonly logger: Logger
  readonly writer: ConfigWriter
  readonly validate: (config: SubmittedConfig) => Promise<ConfigInfos>
  /** Resolves when the tasks of a connector that is stopped have ended. */
  readonly tasksEnded: (connector: string) => Promise<void>
  /** Fences the producers of the first `tasks` tasks of an exactly-once source. */
  readonly fenceTasks: (connector: string, tasks: number) => Promise<void>
  /** Waits until the worker is a member of its group. */
  readonly leadership: () => Promise<Leadership>
}

interface ValidConfig {
  readonly valid: RawConfig
  readonly warnings: readonly string[]
}

/**
 * What the REST API writes. The order is Connect's: validation, leadership, existence, record. One write at a time; the
 * writes of a connector also wait for what is done while it is stopped.
 */
export class HerderWrites {
  readonly #options: HerderWritesOptions
  readonly #lock = new SerialLock()
  readonly #queues = new KeyedQueues()

  constructor(options: HerderWritesOptions) {
    this.#options = options
  }

  async create(
    connector: string,
    config: SubmittedConfig,
    initialState: TargetState | null,
  ): Promise<SubmittedConnector> {
    const validated = await this.#validated(connector, config)
    return await this.#asLeader(connector, 'create a connector', async () => {
      if (this.#options.configState.has(connector))
        throw new AlreadyExistsError(`Connector ${connector} already exists`)
      return await this.#write(connector, validated, initialState)
    })
  }

  async put(connector: string, config: SubmittedConfig): Promise<SubmittedConnector> {
    const validated = await this.#validated(connector, config)
    return await this.#asLeader(connector, 'configure a connector', async () => await this.#write(connector, validated))
  }

  /**
   * Sets the keys of a patch in the config, and removes those that are null (KIP-477). Leadership is checked first. A patch that
   * was validated against a config that has changed since is applied to the new one.
   */
  async patch(connector: string, patch: SubmittedConfig): Promise<SubmittedConnector> {
    const { configState, leadership } = this.#options
    for (;;) {
      await leadership()
      await this.#mustLead('patch a connector config')
      this.#mustExist(connector, `Connector ${connector} not found`)
      const base = configState.config(connector)
      const merged = Object.entries({ ...base, ...patch }).filter((entry) => entry[1] !== null)
      const validated = await this.#validated(connector, Object.fromEntries(merged))
      const written = await this.#asLeader(connector, 'patch a connector config', async () =>
        configState.config(connector) === base ? await this.#write(connector, validated) : null,
      )
      if (written !== null) return written
    }
  }

  async remove(connector: string): Promise<void> {
    await this.#asLeader(connector, 'delete a connector', async () => {
      const unusable = this.#options.configState.unusable().get(connector)
      if (unusable === undefined) this.#mustExist(connector, `Connector ${connector} not found`)
      await this.#options.writer.removeConnectorConfig(unusable?.name ?? connector)
    })
  }

  /** Pause and resume: any worker may write the target state. */
  async setTargetState(connector: string, state: 'STARTED' | 'PAUSED'): Promise<void> {
    await this.#options.leadership()
    await this.#exclusively(connector, async () => {
      this.#mustExist(connector, `Unknown connector ${connector}`)
      await this.#options.writer.putTargetState(connector, state)
    })
  }

  async stop(connector: string): Promise<void> {
    await this.#asLeader(connector, 'stop a connector', async () => {
      this.#mustExist(connector, `Unknown connector ${connector}`)
      await this.#options.writer.putStopped(connector)
    })
  }

  /** Writes the request; returns the plan, in which everything that will be restarted is RESTARTING. */
  async restart(request: RestartRequest): Promise<ConnectorStatus> {
    const { connector } = request
    return await this.#asLeader(connector, 'restart a connector', async () => {
      this.#mustExist(connector, `Unknown connector: ${connector}`)
      if (this.#options.statuses.connector(connector) === null) {
        throw new NotFoundError(`Status for connector ${connector} not found`)
      }
      const plan = planRestart(request, this.#options.reads.connectorStatus(connector))
      await this.#options.writer.putRestartRequest(request)
      return plan
    })
  }

  /**
   * Runs an action for a connector that is stopped, whose tasks have ended. Other writes of this connector wait; those of others
   * do not. The action is given a check to call before it writes.
   * @throws NotLeaderError, NotFoundError, BadRequestError when it is not stopped; ConnectError when another worker has resumed
   *   it meanwhile
   */
  async whileStopped<T>(
    connector: string,
    what: string,
    action: (mustLead: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const { writer, leadership, tasksEnded } = this.#options
    await leadership()
    return await this.#queues.run(connector, async () => {
      await this.#mustLead(what)
      await writer.refresh()
      this.#mustExist(connector, `Connector ${connector} not found`)
      this.#mustBeStopped(connector)
      await tasksEnded(connector)
      await this.#mustLead(what)
      const result = await action(async () => await this.#mustLead(what))
      await writer.refresh()
      if (this.#options.configState.targetState(connector) === 'STOPPED') return result
      throw new ConnectError(
        `Connector ${connector} was resumed or deleted by another worker while its offsets were written, so its tasks may ` +
          'use the old offsets. Stop the connector, and repeat the request',
      )
    })
  }

  /**
   * Writes task configs, unless the connector was stopped since they were generated: one that is stopped has no tasks, and gets
   * task configs when it is resumed.
   * @throws NotLeaderError, NotFoundError
   */
  async putTasks(connector: string, configs: readonly RawConfig[]): Promise<void> {
    const { configState, writer, logger } = this.#options
    const isStopped = (): boolean => configState.targetState(connector) === 'STOPPED'
    await this.#asLeader(connector, 'write task configs', async () => {
      this.#mustExist(connector, `Connector ${connector} not found`)
      // Any worker may have resumed it.
      if (isStopped()) await writer.refresh()
      if (!isStopped()) return await writer.putTaskConfigs(connector, configs)
      logger.info(`connector ${connector} was stopped: task configs that were generated before are not written`)
    })
  }

  /**
   * Fences off the tasks of earlier sets of an exactly-once source, and writes the number of those that may run (KIP-618). If
   * one task follows another, the second has the first one's transactional id, and fences it by itself.
   * @throws NotLeaderError, NotFoundError, BadRequestError when it is no source
   */
  async fence(connector: string): Promise<void> {
    const { configState, reads, writer, fenceTasks } = this.#options
    await this.#asLeader(connector, 'perform zombie fencing', async () => {
      this.#mustExist(connector, `Connector ${connector} not found`)
      if (reads.typeOf(configState.config(connector) ?? {}) !== 'source')
        throw new BadRequestError(`Connector ${connector} is not a source connector`)
      await writer.refresh()
      if (!configState.isFencingPending(connector)) return
      const [before, now] = [configState.taskCountRecord(connector), configState.taskCount(connector)]
      if (before !== null && (before !== 1 || now !== 1)) await fenceTasks(connector, before)
      await writer.putTaskCount(connector, now)
    })
  }

  async #write(
    connector: string,
    { valid, warnings }: ValidConfig,
    initialState: TargetState | null = null,
  ): Promise<SubmittedConnector> {
    const { configState, writer, reads, logger } = this.#options
    const created = !configState.has(connector)
    const tasks = configState.tasks(connector).map((_, task) => ({ connector, task }))
    await writer.putConnectorConfig(connector, valid, initialState)
    for (const warning of warnings) logger.warn(warning, { connector })
    return { created, info: { name: connector, config: valid, tasks, type: reads.typeOf(valid) }, warnings }
  }

  async #validated(connector: string, config: SubmittedConfig): Promise<ValidConfig> {
    this.#options.writer.checkSize(connector, config)
    if ((config['connector.class'] ?? null) === null) throw new BadRequestError(missingClassMessage(config))
    const infos = await this.#options.validate(config)
    if (infos.errorCount > 0) throw new InvalidConnectorConfigError(infos)
    const given = Object.entries(config).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]))
    return { valid: Object.fromEntries(given), warnings: infos.warnings }
  }

  #mustExist(connector: string, message: string): void {
    const unusable = this.#options.configState.unusable().get(connector)
    if (unusable !== undefined) throw new BadRequestError(unusableMessage(connector, unusable))
    if (!this.#options.configState.has(connector)) throw new NotFoundError(message)
  }

  async #asLeader<T>(connector: string, what: string, action: () => Promise<T>): Promise<T> {
    // A write that waits for the group does not hold the lock. The membership may change while it waits for the lock.
    await this.#options.leadership()
    return await this.#exclusively(connector, async () => {
      await this.#mustLead(what)
      return await action()
    })
  }

  async #mustLead(what: string): Promise<void> {
    const { isLeader, leaderUrl } = await this.#options.leadership()
    if (!isLeader) throw new NotLeaderError(`Only the leader can ${what}.`, leaderUrl)
  }

  async #exclusively<T>(connector: string, action: () => Promise<T>): Promise<T> {
    return await this.#queues.run(connector, async () => await this.#lock.run(action))
  }

  #mustBeStopped(connector: string): void {
    const { configState } = this.#options
    if (configState.targetState(connector) === 'STOPPED' && configState.taskCount(connector) === 0) return
    throw new BadRequestError(
      'Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified ' +
        `connector by issuing a 'PUT' request to the '/connectors/${connector}/stop' endpoint`,
    )
  }
}
