import type { TargetState } from '../config/connector/target-state.ts'
import type { RawConfig } from '../api/config-def.ts'
import { AlreadyExistsError, NotFoundError } from '../api/errors.ts'
import type { ConfigInfos, SubmittedConfig } from '../config/definition/config-infos.ts'
import { missingClassMessage } from '../config/connector/validate-connector.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { SerialLock } from '../runtime/serial-lock.ts'
import type { ConfigBackingStore } from '../storage/config-backing-store.ts'
import type { ConfigFold, UnusableConnector } from './config-fold.ts'
import type { ConnectorStatus } from './entities/connector-status.ts'
import type { RestartRequest } from './entities/restart-request.ts'
import { BadRequestError, InvalidConnectorConfigError, NotLeaderError } from './herder-errors.ts'
import type { SubmittedConnector } from './herder.ts'
import type { HerderReads, KnownStatuses } from './herder-reads.ts'

/** Writes to the config topic. Each resolves once the record has been read back, so that the fold knows it. */
export type ConfigWriter = Pick<
  ConfigBackingStore,
  | 'checkSize'
  | 'putConnectorConfig'
  | 'removeConnectorConfig'
  | 'putTaskConfigs'
  | 'putTargetState'
  | 'putRestartRequest'
>

/** Whether this worker leads the group, and who does. */
export interface Leadership {
  readonly isLeader: boolean
  readonly leaderUrl: string | null
}

export interface HerderWritesOptions {
  readonly fold: ConfigFold
  readonly reads: HerderReads
  readonly statuses: KnownStatuses
  readonly logger: Logger
  readonly writer: ConfigWriter
  readonly validate: (config: SubmittedConfig) => Promise<ConfigInfos>
  /** Waits while the worker has no place in its group. */
  readonly leadership: () => Promise<Leadership>
}

/** What the REST API changes: validation, leadership, existence, then the record. One write at a time. */
export class HerderWrites {
  readonly #options: HerderWritesOptions
  readonly #lock = new SerialLock()

  constructor(options: HerderWritesOptions) {
    this.#options = options
  }

  async create(
    connector: string,
    config: SubmittedConfig,
    initialState: TargetState | null,
  ): Promise<SubmittedConnector> {
    const { valid, warnings } = await this.#validated(connector, config)
    return await this.#asLeader('create a connector', async () => {
      const { fold, writer, reads } = this.#options
      if (fold.has(connector)) throw new AlreadyExistsError(`Connector ${connector} already exists`)
      await writer.putConnectorConfig(connector, valid, initialState)
      this.#warn(connector, warnings)
      const info = { name: connector, config: valid, tasks: [], type: reads.typeOf(valid) }
      return { created: true, info, warnings }
    })
  }

  async put(connector: string, config: SubmittedConfig): Promise<SubmittedConnector> {
    const { valid, warnings } = await this.#validated(connector, config)
    return await this.#asLeader('configure a connector', async () => {
      const { fold, writer, reads } = this.#options
      const created = !fold.has(connector)
      const tasks = fold.tasks(connector).map((_, task) => ({ connector, task }))
      await writer.putConnectorConfig(connector, valid, null)
      this.#warn(connector, warnings)
      return { created, info: { name: connector, config: valid, tasks, type: reads.typeOf(valid) }, warnings }
    })
  }

  async remove(connector: string): Promise<void> {
    await this.#asLeader('delete a connector', async () => {
      const unusable = this.#options.fold.unusable().get(connector)
      if (unusable === undefined) this.#mustExist(connector, `Connector ${connector} not found`)
      await this.#options.writer.removeConnectorConfig(unusable?.name ?? connector)
    })
  }

  /** Pause and resume: any worker may write the target state. */
  async setTargetState(connector: string, state: 'STARTED' | 'PAUSED'): Promise<void> {
    await this.#lock.run(async () => {
      this.#mustExist(connector, `Unknown connector ${connector}`)
      await this.#options.writer.putTargetState(connector, state)
    })
  }

  async stop(connector: string): Promise<void> {
    await this.#asLeader('stop a connector', async () => {
      this.#mustExist(connector, `Unknown connector ${connector}`)
      await this.#options.writer.putTaskConfigs(connector, [])
      await this.#options.writer.putTargetState(connector, 'STOPPED')
    })
  }

  /** Writes the request and answers the plan: what will be restarted shows as RESTARTING. */
  async restart(request: RestartRequest): Promise<ConnectorStatus> {
    const { connector } = request
    return await this.#asLeader('restart a connector', async () => {
      this.#mustExist(connector, `Unknown connector: ${connector}`)
      if (this.#options.statuses.connector(connector) === null) {
        throw new NotFoundError(`Status for connector ${connector} not found`)
      }
      const plan = planRestart(request, this.#options.reads.connectorStatus(connector))
      await this.#options.writer.putRestartRequest(request)
      return plan
    })
  }

  async putTasks(connector: string, configs: readonly RawConfig[]): Promise<void> {
    await this.#asLeader('write task configs', async () => {
      if (this.#options.fold.has(connector)) await this.#options.writer.putTaskConfigs(connector, configs)
    })
  }

  async #validated(
    connector: string,
    config: SubmittedConfig,
  ): Promise<{ readonly valid: RawConfig; readonly warnings: readonly string[] }> {
    this.#options.writer.checkSize(connector, config)
    if ((config['connector.class'] ?? null) === null) throw new BadRequestError(missingClassMessage(config))
    const infos = await this.#options.validate(config)
    if (infos.errorCount > 0) throw new InvalidConnectorConfigError(infos)
    const given = Object.entries(config).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]))
    return { valid: Object.fromEntries(given), warnings: infos.warnings }
  }

  #warn(connector: string, warnings: readonly string[]): void {
    for (const warning of warnings) this.#options.logger.warn(warning, { connector })
  }

  #mustExist(connector: string, message: string): void {
    const unusable = this.#options.fold.unusable().get(connector)
    if (unusable !== undefined) throw new BadRequestError(unusableMessage(connector, unusable))
    if (!this.#options.fold.has(connector)) throw new NotFoundError(message)
  }

  async #asLeader<T>(what: string, action: () => Promise<T>): Promise<T> {
    await this.#options.leadership()
    return await this.#lock.run(async () => {
      const { isLeader, leaderUrl } = await this.#options.leadership()
      if (!isLeader) throw new NotLeaderError(`Only the leader can ${what}.`, leaderUrl)
      return await action()
    })
  }
}

/** What the status of a connector says that cannot run, and whatever is asked of it but its removal. */
export function unusableMessage(standIn: string, { reason }: UnusableConnector): string {
  return `CONNECTOR_NAME_UNUSABLE: the connector is in the config topic, but ${reason}. "${standIn}" stands in for it: DELETE that, and create it under another name.`
}

/** What a restart request does to what is running now. */
export function planRestart({ onlyFailed, includeTasks }: RestartRequest, status: ConnectorStatus): ConnectorStatus {
  const restarts = (state: string): boolean => !onlyFailed || state === 'FAILED'
  return {
    ...status,
    connector: restarts(status.connector.state) ? restarting(status.connector) : status.connector,
    tasks: status.tasks.map((task) => (includeTasks && restarts(task.state) ? restarting(task) : task)),
  }
}

/** The trace stays: it says why. */
function restarting<T extends { readonly trace: string | null }>(status: T): T & { readonly state: 'RESTARTING' } {
  return { ...status, state: 'RESTARTING' }
}
