import { isDeepStrictEqual } from 'node:util'

import type { RawConfig } from '../api/config-def.ts'
import { ConnectError } from '../api/errors.ts'
import { backoffMs, type Backoff } from '../foundation/backoff.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logger.ts'
import { messageOf, traceOf } from '../runtime/failures.ts'
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
}

const retry: Backoff = { initialMs: 250, maxMs: 60_000 }

/** Asks running connectors for the configs of their tasks, and writes them where they differ from those in force. */
export class TaskConfigMaker {
  readonly #options: TaskConfigMakerOptions
  readonly #attempts = new Map<string, number>()

  constructor(options: TaskConfigMakerOptions) {
    this.#options = options
  }

  /** Makes them now; tries again later, for ever, when the connector or the log does not let it. */
  async make(connector: string): Promise<void> {
    const { logger, clock, onRefused } = this.#options
    try {
      await this.#makeOnce(connector)
      this.#attempts.delete(connector)
    } catch (error) {
      if (error instanceof ConnectError && error.code === 'TOO_MANY_TASKS') {
        onRefused(connector, traceOf(error))
        return
      }
      const attempt = (this.#attempts.get(connector) ?? 0) + 1
      this.#attempts.set(connector, attempt)
      logger.warn(`connector ${connector}: task configs could not be made and are tried again: ${messageOf(error)}`, {
        error,
      })
      clock.after(backoffMs(retry, attempt), () => void this.make(connector))
    }
  }

  async #makeOnce(connector: string): Promise<void> {
    const { fold, worker, className, isLeader, write } = this.#options
    const config = fold.config(connector)
    if (config === null || fold.targetState(connector) !== 'STARTED' || !isLeader()) return
    const made = await worker.taskConfigs(connector, Number(config['tasks.max'] ?? 1))
    if (fold.config(connector) !== config || fold.targetState(connector) !== 'STARTED') return
    const taskClass = taskClassOf(className(config))
    const configs = made.map((task) => withConnectorKeys(task, taskClass, config))
    if (!needsWrite(fold, connector, configs)) return
    await write(connector, configs)
  }
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
