import { settledWithin } from '../../foundation/async/deadline.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { Connector, ConnectorContext } from '../../api/connector.ts'
import { ConnectError, NotFoundError } from '../../api/errors.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { traceOf } from '../failures.ts'

export interface ConnectorHostOptions {
  readonly plugins: PluginRegistry
  readonly logger: Logger
  readonly clock: Clock
  readonly onReconfigure: (connector: string, owner: number) => void
  readonly onFailed: (connector: string, owner: number, trace: string) => void
  /** Runs code of an instance in its name. */
  readonly inNameOf: <T>(owner: number, action: () => Promise<T>) => Promise<T>
}

/** One run of a connector: the last one that was started counts, whatever an earlier one still does. */
interface Instance {
  readonly owner: number
  /** Null until its start has returned. */
  connector: Connector | null
}

/** How long a start waits for the instance before it to stop. */
const stopMs = 5_000

/** The connector instances of a thread. All calls are plugin code; they may hang, which the main thread's deadlines bound. */
export class ConnectorHost {
  readonly #options: ConnectorHostOptions
  readonly #instances = new Map<string, Instance>()

  constructor(options: ConnectorHostOptions) {
    this.#options = options
  }

  /**
   * Starts an instance; one that runs under that name is stopped first, and no longer waited for than it may take.
   * @throws what the plugin throws, ConfigError
   */
  async start(name: string, owner: number, raw: RawConfig): Promise<void> {
    const before = this.#instances.get(name)
    const instance: Instance = { owner, connector: null }
    this.#instances.set(name, instance)
    if (before !== undefined) await settledWithin(this.#options.clock, stopMs, this.#end(name, before))
    await this.#options.inNameOf(owner, async () => await this.#start(name, instance, raw))
  }

  /** Stops the instance; one that throws on its way out is gone all the same, one that still starts is stopped when it has. */
  async stop(name: string, owner: number): Promise<void> {
    const instance = this.#instances.get(name)
    if (instance?.owner !== owner) return
    this.#instances.delete(name)
    await this.#end(name, instance)
  }

  /** @throws NotFoundError when the instance does not run; ConnectError when it makes too many tasks. */
  async taskConfigs(name: string, maxTasks: number): Promise<readonly RawConfig[]> {
    const instance = this.#instances.get(name)
    const connector = instance?.connector ?? null
    if (instance === undefined || connector === null) throw new NotFoundError(`connector ${name} is not running`)
    const configs = await this.#options.inNameOf(instance.owner, async () => await connector.taskConfigs(maxTasks))
    if (configs.length > maxTasks) {
      throw new ConnectError(
        `The connector ${name} has generated ${configs.length} tasks, which is greater than ${maxTasks}, the maximum number of tasks it is configured to create.`,
        { code: 'TOO_MANY_TASKS' },
      )
    }
    return configs
  }

  async #start(name: string, instance: Instance, raw: RawConfig): Promise<void> {
    const { plugins } = this.#options
    try {
      const plugin = await plugins.load(plugins.connector(raw['connector.class'] ?? ''))
      const connector = plugin.createConnector()
      await connector.start(parseConfig(plugin.configDef, raw), raw, this.#context(name, instance))
      instance.connector = connector
      if (this.#instances.get(name) === instance) return
    } catch (error) {
      if (this.#instances.get(name) === instance) this.#instances.delete(name)
      throw error
    }
    await this.#end(name, instance)
    throw new ConnectError(`connector ${name} was stopped, or started again, before its start had returned`)
  }

  async #end(name: string, { owner, connector }: Instance): Promise<void> {
    if (connector === null) return
    try {
      await this.#options.inNameOf(owner, async () => await connector.stop())
    } catch (error) {
      this.#options.logger.warn(`connector ${name}: stop failed: ${errorMessage(error)}`, { error })
    }
  }

  /** What an earlier instance says does not count. */
  #context(name: string, instance: Instance): ConnectorContext {
    const { logger, onReconfigure, onFailed } = this.#options
    const isCurrent = (): boolean => this.#instances.get(name) === instance
    return {
      connector: name,
      logger: logger.child(name),
      requestTaskReconfiguration: () => {
        if (isCurrent()) onReconfigure(name, instance.owner)
      },
      raiseError: (error) => {
        if (isCurrent()) onFailed(name, instance.owner, traceOf(error))
      },
    }
  }
}
