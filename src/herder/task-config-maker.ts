import { errorMessage } from '../foundation/error-message.ts'
import { isDeepStrictEqual } from 'node:util'

import type { RawConfig } from '../api/config-def.ts'
import { ConnectError } from '../api/errors.ts'
import { maxTasks } from '../config/connector/connector-config-def.ts'
import { backoffMs, type Backoff } from '../foundation/async/backoff.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import { traceOf } from '../runtime/failures.ts'
import type { Worker } from '../runtime/worker.ts'
import type { ConfigFold } from './config-fold.ts'

export interface TaskConfigMakerOptions {
  readonly fold: ConfigFold
  readonly worker: Pick<Worker, 'taskConfigs'>
  /** The class that a connector's config names, which may be an alias. */
  readonly className: (config: RawConfig) => string
  readonly clock: Clock
  readonly logger: Logger
  /** Only the leader writes task configs. */
  readonly isLeader: () => boolean
  readonly write: (connector: string, configs: readonly RawConfig[]) => Promise<void>
  /** The connector makes configs that cannot be taken. */
  readonly onRefused: (connector: string, trace: string) => void
  /** The connector runs, but its task configs cannot be made for now; null when they can again. */
  readonly onTrouble: (connector: string, trace: string | null) => void
}

const retry: Backoff = { initialMs: 250, maxMs: 60_000 }
/** Codes of what a retry cannot help: the connector or its config has to change. */
const final: ReadonlySet<string> = new Set(['TOO_MANY_TASKS', 'CONFIG_TOO_LARGE', 'TASKS_MAX'])

/** Asking one connector. The last one who asks counts: what an earlier one learns late is dropped. */
interface Making {
  attempts: number
  /** Whether the status says that the configs cannot be made. */
  shown: boolean
  turn: number
  cancelRetry: () => void
}

/** Asks running connectors for the configs of their tasks, and writes them where they differ from those in force. */
export class TaskConfigMaker {
  readonly #options: TaskConfigMakerOptions
  readonly #makings = new Map<string, Making>()

  constructor(options: TaskConfigMakerOptions) {
    this.#options = options
  }

  /** Makes them now; retries indefinitely when the connector or the log does not let it, and the status says so. */
  async make(connector: string): Promise<void> {
    const making = this.#makings.get(connector) ?? { attempts: 0, shown: false, turn: 0, cancelRetry: () => undefined }
    this.#makings.set(connector, making)
    making.cancelRetry()
    making.turn += 1
    const { turn } = making
    const isLatest = (): boolean => making.turn === turn
    try {
      await this.#makeOnce(connector, isLatest)
      if (!isLatest()) return
      if (making.shown) this.#options.onTrouble(connector, null)
      this.#makings.delete(connector)
    } catch (error) {
      if (isLatest()) this.#failed(connector, making, error)
    }
  }

  #failed(connector: string, making: Making, error: unknown): void {
    const { logger, clock, onRefused, onTrouble } = this.#options
    if (error instanceof ConnectError && error.code !== null && final.has(error.code)) {
      this.#makings.delete(connector)
      logger.error(`connector ${connector}: ${errorMessage(error)}`)
      onRefused(connector, traceOf(error))
      return
    }
    making.attempts += 1
    making.shown = true
    const what = `connector ${connector}: task configs could not be made and are retried: ${errorMessage(error)}`
    logger.warn(what, { error })
    onTrouble(connector, `TASK_CONFIGS: task configs could not be made and are retried: ${traceOf(error)}`)
    making.cancelRetry = clock.after(backoffMs(retry, making.attempts), () => void this.make(connector))
  }

  async #makeOnce(connector: string, isLatest: () => boolean): Promise<void> {
    const { fold, worker, className, isLeader, write } = this.#options
    const config = fold.config(connector)
    if (config === null || fold.targetState(connector) !== 'STARTED' || !isLeader()) return
    const made = await worker.taskConfigs(connector, tasksMax(config))
    if (!isLatest() || fold.config(connector) !== config || fold.targetState(connector) !== 'STARTED') return
    const taskClass = taskClassOf(className(config))
    const configs = made.map((task) => withConnectorKeys(task, taskClass, config))
    if (!needsWrite(fold, connector, configs)) return
    await write(connector, configs)
  }
}

/** A config that another worker wrote may say what this one refuses. @throws ConnectError */
function tasksMax(config: RawConfig): number {
  const text = config['tasks.max'] ?? '1'
  const value = Number(text.trim())
  if (Number.isInteger(value) && value >= 1 && value <= maxTasks) return value
  throw new ConnectError(`Invalid value ${clipped(text)} for configuration tasks.max: it can be 1 to ${maxTasks}`, {
    code: 'TASKS_MAX',
  })
}

/** What the worker adds to each task's config, as Connect does. */
function withConnectorKeys(task: RawConfig, taskClass: string, connector: RawConfig): RawConfig {
  const copied = Object.entries(connector).filter(([key]) => key === 'topics' || key === 'topics.regex')
  return { ...task, 'task.class': taskClass, ...Object.fromEntries(copied) }
}

/** The name Java gives the task class: `…SinkConnector` has `…SinkTask`s, any other `…Connector` has `…ConnectorTask`s. */
function taskClassOf(connectorClass: string): string {
  return connectorClass.replace(/(Sink|Source)Connector$/, '$1').concat('Task')
}

/** Equal configs are written again when the connector's own config changed since: its tasks read that too. */
function needsWrite(fold: ConfigFold, connector: string, configs: readonly RawConfig[]): boolean {
  return (
    fold.isInconsistent(connector) ||
    fold.taskGeneration(connector) === 0 ||
    !isDeepStrictEqual(fold.tasks(connector), configs) ||
    !isDeepStrictEqual(fold.appliedConfig(connector), fold.config(connector))
  )
}
