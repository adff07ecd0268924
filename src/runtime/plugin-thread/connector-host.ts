import type { RawConfig } from '../../api/config-def.ts'
import type { Connector, ConnectorContext } from '../../api/connector.ts'
import { ConnectError, NotFoundError } from '../../api/errors.ts'
import { parseConfig } from '../../config/parse-config.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { messageOf, traceOf } from '../failures.ts'

export interface ConnectorHostEvents {
  onReconfigure(connector: string): void
  onFailed(connector: string, trace: string): void
}

/** The connector instances of a worker. All calls are plugin code; they may hang, which the main thread's deadlines bound. */
export class ConnectorHost {
  readonly #plugins: PluginRegistry
  readonly #logger: Logger
  readonly #events: ConnectorHostEvents
  readonly #running = new Map<string, Connector>()

  constructor(plugins: PluginRegistry, logger: Logger, events: ConnectorHostEvents) {
    this.#plugins = plugins
    this.#logger = logger
    this.#events = events
  }

  /** Starts an instance; one that runs under that name is stopped first. @throws what the plugin throws, ConfigError */
  async start(name: string, raw: RawConfig): Promise<void> {
    await this.stop(name)
    const plugin = await this.#plugins.load(this.#plugins.connector(raw['connector.class'] ?? ''))
    const connector = plugin.createConnector()
    await connector.start(parseConfig(plugin.configDef, raw), raw, this.#context(name, connector))
    this.#running.set(name, connector)
  }

  /** Stops the instance; one that throws on its way out is gone all the same. */
  async stop(name: string): Promise<void> {
    const connector = this.#running.get(name)
    if (connector === undefined) return
    this.#running.delete(name)
    try {
      await connector.stop()
    } catch (error) {
      this.#logger.warn(`connector ${name}: stop failed: ${messageOf(error)}`, { error })
    }
  }

  /** @throws NotFoundError when the instance does not run; ConnectError when it makes too many tasks. */
  async taskConfigs(name: string, maxTasks: number): Promise<readonly RawConfig[]> {
    const connector = this.#running.get(name)
    if (connector === undefined) throw new NotFoundError(`connector ${name} is not running`)
    const configs = await connector.taskConfigs(maxTasks)
    if (configs.length > maxTasks) {
      throw new ConnectError(
        `The connector ${name} has generated ${configs.length} tasks, which is greater than ${maxTasks}, the maximum number of tasks it is configured to create.`,
        { code: 'TOO_MANY_TASKS' },
      )
    }
    return configs
  }

  #context(name: string, connector: Connector): ConnectorContext {
    return {
      connector: name,
      logger: this.#logger.child(name),
      requestTaskReconfiguration: () => {
        if (this.#running.get(name) === connector) this.#events.onReconfigure(name)
      },
      raiseError: (error) => {
        if (this.#running.get(name) === connector) this.#events.onFailed(name, traceOf(error))
      },
    }
  }
}
