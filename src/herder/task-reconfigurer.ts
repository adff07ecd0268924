import { isDeepStrictEqual } from 'node:util'

import type { RawConfig } from '../api/config-def.ts'
import { ConnectError } from '../api/errors.ts'
import { maxTasks } from '../config/connector/connector-config-def.ts'
import { secretInTaskConfigCode } from '../config/providers/restored-references.ts'
import { backoffMs, type Backoff } from '../foundation/async/backoff.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { traceOf } from '../runtime/failures.ts'
import { errorMessage } from '../foundation/error-message.ts'
import type { ConnectorRunner } from './local/connector-instances.ts'
import type { ClusterConfigState } from './state/cluster-config-state.ts'

export interface TaskReconfigurerOptions {
  readonly configState: ClusterConfigState
  readonly connectors: Pick<ConnectorRunner, 'taskConfigs'>
  /** The class that a connector config names, aliases resolved. */
  readonly classNameOf: (config: RawConfig) => string
  readonly clock: Clock
  readonly logger: Logger
  /** Whether the connector runs on this worker. */
  readonly isAssigned: (connector: string) => boolean
  /** Writes task configs, unless they are outdated by the time at which the worker may write. */
  readonly write: (connector: string, configs: readonly RawConfig[], isCurrent: () => boolean) => Promise<void>
  /** The connector generates task configs that are not valid. */
  readonly onInvalid: (connector: string, trace: string) => void
  /** The connector runs, but its task configs cannot be generated now; a null reason when they can again. */
  readonly onWaiting: (connector: string, reason: string | null) => void
}

const retryBackoff: Backoff = { initialMs: 250, maxMs: 60_000 }
/** Errors that a retry does not fix: the connector or its config has to change. */
const finalCodes: ReadonlySet<string> = new Set([
  'TOO_MANY_TASKS',
  'CONFIG_TOO_LARGE',
  'TASKS_MAX',
  secretInTaskConfigCode,
])

/** The reconfiguration of one connector. Only the last request counts: results of earlier ones are dropped. */
interface Reconfiguration {
  attempts: number
  /** Whether the status shows that the task configs cannot be generated. */
  isShown: boolean
  request: number
  cancelRetry: () => void
}

/** Asks running connectors for their task configs, and writes those that differ from the current ones. */
export class TaskReconfigurer {
  readonly #options: TaskReconfigurerOptions
  readonly #pending = new Map<string, Reconfiguration>()

  constructor(options: TaskReconfigurerOptions) {
    this.#options = options
  }

  /** Retries indefinitely while the connector or the broker fails; the status shows why. */
  async reconfigure(connector: string): Promise<void> {
    const pending = this.#pending.get(connector) ?? {
      attempts: 0,
      isShown: false,
      request: 0,
      cancelRetry: () => undefined,
    }
    this.#pending.set(connector, pending)
    pending.cancelRetry()
    pending.request += 1
    const { request } = pending
    const isLatest = (): boolean => pending.request === request
    try {
      await this.#reconfigureOnce(connector, isLatest)
      if (!isLatest()) return
      if (pending.isShown) this.#options.onWaiting(connector, null)
      this.#pending.delete(connector)
    } catch (error) {
      if (isLatest()) this.#failed(connector, pending, error)
    }
  }

  #failed(connector: string, pending: Reconfiguration, error: unknown): void {
    const { logger, clock, onInvalid, onWaiting } = this.#options
    if (error instanceof ConnectError && error.code !== null && finalCodes.has(error.code)) {
      this.#pending.delete(connector)
      logger.error(`connector ${connector}: ${errorMessage(error)}`)
      onInvalid(connector, traceOf(error))
      return
    }
    pending.attempts += 1
    pending.isShown = true
    const what = 'task configs could not be generated and are retried'
    logger.warn(`connector ${connector}: ${what}: ${errorMessage(error)}`, { error })
    onWaiting(connector, `${what}: ${traceOf(error)}`)
    const delayMs = backoffMs(retryBackoff, pending.attempts)
    pending.cancelRetry = clock.after(delayMs, () => void this.reconfigure(connector))
  }

  async #reconfigureOnce(connector: string, isLatest: () => boolean): Promise<void> {
    const { configState, connectors, classNameOf, isAssigned, write } = this.#options
    const config = configState.config(connector)
    if (config === null || configState.targetState(connector) !== 'STARTED' || !isAssigned(connector)) return
    const generated = await connectors.taskConfigs(connector, tasksMax(config))
    const isCurrent = (): boolean =>
      isLatest() &&
      isAssigned(connector) &&
      configState.config(connector) === config &&
      configState.targetState(connector) === 'STARTED'
    if (!isCurrent()) return
    const taskClass = taskClassOf(classNameOf(config))
    const configs = generated.map((task) => withConnectorKeys(task, taskClass, config))
    if (needsWrite(configState, connector, configs)) await write(connector, configs, isCurrent)
  }
}

/** Another worker may have written a config that this one rejects. @throws ConnectError TASKS_MAX */
function tasksMax(config: RawConfig): number {
  const text = config['tasks.max'] ?? '1'
  const value = Number(text.trim())
  if (Number.isInteger(value) && value >= 1 && value <= maxTasks) return value
  throw new ConnectError(`Invalid value ${clipped(text)} for configuration tasks.max: it can be 1 to ${maxTasks}`, {
    code: 'TASKS_MAX',
  })
}

/** Adds to a task config what Connect adds. */
function withConnectorKeys(task: RawConfig, taskClass: string, connector: RawConfig): RawConfig {
  const copied = Object.entries(connector).filter(([key]) => key === 'topics' || key === 'topics.regex')
  return { ...task, 'task.class': taskClass, ...Object.fromEntries(copied) }
}

/** The Java name of the task class: `…SinkConnector` has `…SinkTask`, any other `…Connector` has `…ConnectorTask`. */
function taskClassOf(connectorClass: string): string {
  return connectorClass.replace(/(Sink|Source)Connector$/, '$1').concat('Task')
}

/** Equal task configs are written again after a change of the connector config, which the tasks read too. */
function needsWrite(configState: ClusterConfigState, connector: string, configs: readonly RawConfig[]): boolean {
  return (
    configState.isInconsistent(connector) ||
    !configState.hasCommit(connector) ||
    !isDeepStrictEqual(configState.tasks(connector), configs) ||
    !isDeepStrictEqual(configState.appliedConfig(connector), configState.config(connector))
  )
}
