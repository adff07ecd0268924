import { connectorRestarts, type RestartSettings } from '../../config/restart-settings.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { ConnectorFailure, ConnectorListener } from '../../runtime/connector-listener.ts'
import { connectorFailure, traceOf } from '../../runtime/failures.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import { changedSecrets, refreshCode, refreshProblem, type SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { ClusterConfigState } from '../state/cluster-config-state.ts'
import type { EventCounts } from '../state/event-counts.ts'
import type { WorkerStatusStore } from '../state/worker-status-store.ts'
import { SupersededError } from '../herder-errors.ts'
import { Endings, type Ending } from './endings.ts'
import { restartLine, RestartStreak } from './restart-streak.ts'
import type { KeyedQueues } from './keyed-queues.ts'
import type { RunningConnector } from './work-plan.ts'

/** What runs the code of connectors. */
export type ConnectorRunner = Pick<
  PluginThreads,
  | 'startConnector'
  | 'stopConnector'
  | 'taskConfigs'
  | 'validate'
  | 'pluginConfig'
  | 'alterOffsets'
  | 'diagnose'
  | 'close'
>

export interface ConnectorInstancesOptions {
  /** Called once. */
  readonly runConnectors: (listener: ConnectorListener) => ConnectorRunner
  readonly configState: ClusterConfigState
  readonly statuses: WorkerStatusStore
  readonly queues: KeyedQueues
  readonly events: EventCounts
  /** The defaults of connectors. */
  readonly restarts: RestartSettings
  readonly clock: Clock
  readonly logger: Logger
  /** The task configs of a running connector may have to change. */
  readonly reconfigure: (connector: string) => void
}

interface Instance extends RunningConnector {
  /** Fires when the instance is to stop or be replaced: a start that hangs is not waited for then. */
  readonly superseded: AbortController
  /** Whether there is, or may be, an instance in a plugin thread. */
  live: boolean
  failed: boolean
  /** Its restarts after failures that may pass. */
  readonly streak: RestartStreak
  /** Cancels the restart that is scheduled. */
  cancelRestart: () => void
  /** What the running connector waits for, by code. */
  readonly waits: Map<string, string>
}

/** The connector instances that are assigned to this worker. One queue per connector: one that hangs delays no other. */
export class ConnectorInstances implements ConnectorListener {
  readonly runner: ConnectorRunner
  readonly #options: ConnectorInstancesOptions
  readonly #instances = new Map<string, Instance>()
  readonly #stopping = new Endings<string>()

  constructor(options: ConnectorInstancesOptions) {
    this.#options = options
    this.runner = options.runConnectors(this)
  }

  get assigned(): ReadonlyMap<string, RunningConnector> {
    return this.#instances
  }

  /** The connectors that stop. One of them may be assigned again: then it starts after that. */
  get stopping(): readonly Ending<string>[] {
    return this.#stopping.list
  }

  has(name: string): boolean {
    return this.#instances.has(name)
  }

  /** Replaces the instance by one with the current config and target state. @throws what its start throws */
  async startConnector(name: string): Promise<void> {
    const before = this.#instances.get(name)
    await this.#replace(name, before !== undefined && before.config !== this.#options.configState.config(name))
  }

  /** Stops the instance and starts it again; resolves when it runs. @throws what its start throws */
  async restartConnector(name: string): Promise<void> {
    if (this.#instances.has(name)) await this.#replace(name, true)
  }

  /** Resolves when the instance has stopped. */
  async stopConnector(name: string): Promise<void> {
    const { queues, configState, statuses } = this.#options
    const instance = this.#instances.get(name)
    this.#instances.delete(name)
    supersede(name, instance)
    const ended = queues.run(queueOf(name), async () => {
      if (instance?.live === true) await this.#stopInstance(name)
      if (configState.has(name)) statuses.putConnectorSafe(name, 'UNASSIGNED', null)
      else statuses.connectorGone(name)
    })
    await this.#stopping.track(name, { item: name, ended })
  }

  onReconfigure(name: string): void {
    this.#options.reconfigure(name)
  }

  /** One that failed for a reason that may pass is restarted after a delay. */
  onConnectorFailed(name: string, failure: ConnectorFailure): void {
    const instance = this.#instances.get(name)
    if (instance !== undefined) this.#failed(name, instance, failure)
  }

  /** The instances are started again after a delay. */
  onConnectorsLost(names: readonly string[], reason: Error): void {
    for (const name of names) {
      const instance = this.#instances.get(name)
      if (instance?.live !== true) continue
      instance.live = false
      this.#failed(name, instance, { trace: traceOf(reason), isTransient: true })
    }
  }

  /** The connector restarts, on this worker alone, which is the one that it is assigned to. */
  onConnectorSecrets(name: string, refresh: SecretRefresh): void {
    const { events, statuses, logger } = this.#options
    events.secretsRead(name, refresh)
    if (refresh.outcome !== 'changed') {
      const problem = refresh.outcome === 'failed' ? refreshProblem(refresh.reason) : null
      const isNew = this.showWaiting(name, refreshCode, problem)
      if (isNew) logger.warn(`connector ${name}: ${refreshCode}${problem === null ? ' is over' : `: ${problem}`}`)
      return
    }
    const why = changedSecrets(refresh.references)
    logger.info(`connector ${name} restarts: ${why}`)
    statuses.putConnectorSafe(name, 'RESTARTING', `SECRET_CHANGED: ${why}`)
    // The status shows a failure.
    this.restartConnector(name).catch(() => undefined)
  }

  /** Shows why a connector that runs waits, by a code; null when it does not any more. Returns whether that is new. */
  showWaiting(name: string, code: string, reason: string | null): boolean {
    const instance = this.#instances.get(name)
    if (instance === undefined || instance.failed || !instance.live || instance.targetState !== 'STARTED') return false
    if ((instance.waits.get(code) ?? null) === reason) return false
    if (reason === null) instance.waits.delete(code)
    else instance.waits.set(code, reason)
    const lines = [...instance.waits].map(([each, text]) => `${each}: ${text}`)
    this.#options.statuses.putConnectorSafe(name, 'RUNNING', lines.length === 0 ? null : lines.join('\n'))
    return true
  }

  async #replace(name: string, isRestart: boolean): Promise<void> {
    const { configState, queues } = this.#options
    const config = configState.config(name)
    if (config === null) return
    const before = this.#instances.get(name)
    const instance: Instance = {
      config,
      targetState: configState.targetState(name),
      superseded: new AbortController(),
      live: before?.live ?? false,
      failed: false,
      streak: new RestartStreak(),
      cancelRestart: () => undefined,
      waits: new Map(),
    }
    this.#instances.set(name, instance)
    supersede(name, before)
    await queues.run(queueOf(name), async () => await this.#bring(name, instance, isRestart))
  }

  /** Brings the instance to its target state. A failure is shown in the status, and thrown to the caller. */
  async #bring(name: string, instance: Instance, isRestart: boolean): Promise<void> {
    if (this.#instances.get(name) !== instance) throw new SupersededError(name)
    const { statuses, clock, logger, reconfigure } = this.#options
    if (instance.live) await this.#stopInstance(name)
    if (isRestart) statuses.putConnectorSafe(name, 'UNASSIGNED', null)
    if (instance.targetState !== 'STARTED') {
      instance.live = false
      statuses.putConnector(name, instance.targetState, null)
      return
    }
    instance.live = true
    try {
      await abortable(this.runner.startConnector(name, instance.config), instance.superseded.signal)
    } catch (error) {
      if (error instanceof SupersededError) throw error
      logger.error(`connector ${name} does not start: ${errorMessage(error)}`, { error })
      this.#failed(name, instance, connectorFailure(error))
      throw error
    }
    instance.failed = false
    instance.streak.running(clock.monotonic())
    instance.waits.clear()
    statuses.putConnector(name, 'RUNNING', null)
    logger.info(`connector ${name} is RUNNING`)
    reconfigure(name)
  }

  /** Shows the failure. One that may pass is followed by a restart, unless there were too many in a row. */
  #failed(name: string, instance: Instance, { trace, isTransient: mayPass }: ConnectorFailure): void {
    const { statuses, restarts, clock, logger } = this.#options
    instance.failed = true
    instance.cancelRestart()
    const settings = connectorRestarts(instance.config, restarts)
    const next = mayPass ? instance.streak.failed(settings, clock.monotonic()) : null
    const line = next === null ? '' : `\n${restartLine(next, settings, clock.now())}`
    statuses.putConnectorSafe(name, 'FAILED', trace + line)
    if (next === null) return
    if (next.kind === 'none') {
      logger.error(`connector ${name} was restarted ${next.attempts} times in a row, and stays FAILED`)
      return
    }
    logger.warn(`connector ${name} restarts in ${Math.round(next.delayMs)} ms, restart ${next.attempt} in a row`)
    instance.cancelRestart = clock.after(next.delayMs, () => this.#restart(name, instance))
  }

  /** The time of a scheduled restart has come. An instance that was stopped or replaced meanwhile has none. */
  #restart(name: string, instance: Instance): void {
    const { queues, events } = this.#options
    // The status shows a failure; no one waits for this start.
    const start = async (): Promise<void> => await this.#bring(name, instance, false).catch(() => undefined)
    if (this.#instances.get(name) !== instance) return
    events.restarted(name, null)
    void queues.run(queueOf(name), start)
  }

  async #stopInstance(name: string): Promise<void> {
    const { logger } = this.#options
    try {
      await this.runner.stopConnector(name)
      logger.info(`connector ${name} has stopped`)
    } catch (error) {
      logger.warn(`connector ${name} did not stop gracefully: ${errorMessage(error)}`)
    }
  }
}

function queueOf(name: string): string {
  return `connector ${name}`
}

function supersede(name: string, instance: Instance | undefined): void {
  instance?.cancelRestart()
  instance?.superseded.abort(new SupersededError(name))
}
