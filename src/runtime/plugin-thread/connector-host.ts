import { settledWithin } from '../../foundation/async/deadline.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { Connector, ConnectorContext } from '../../api/connector.ts'
import { ConnectError, NotFoundError } from '../../api/errors.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import type { ReferenceResolver } from '../../config/providers/config-providers.ts'
import type { ResolvedReferences } from '../../config/providers/resolved-references.ts'
import { referenceRestorer } from '../../config/providers/restored-references.ts'
import { reloads, SecretWatch, type SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { ConnectorFailure } from '../connector-listener.ts'
import { connectorFailure } from '../failures.ts'

export interface ConnectorHostOptions {
  readonly plugins: PluginRegistry
  readonly secrets: ReferenceResolver
  readonly logger: Logger
  readonly clock: Clock
  readonly onReconfigure: (connector: string, owner: number) => void
  readonly onFailed: (connector: string, owner: number, failure: ConnectorFailure) => void
  /** Secrets of the connector were read again. If one has changed, the connector is to be restarted. */
  readonly onSecrets: (connector: string, owner: number, refresh: SecretRefresh) => void
  /** Runs code of an instance, with its owner on record. */
  readonly inNameOf: <T>(owner: number, action: () => Promise<T>) => Promise<T>
}

/** One run of a connector. Only the last run counts, whatever earlier ones still do. */
interface Instance {
  readonly owner: number
  /** Null until its start has returned. */
  running: RunningInstance | null
}

interface RunningInstance {
  readonly connector: Connector
  /** Puts references back into task configs. */
  readonly restore: (generated: RawConfig) => RawConfig
  /** Null if `config.action.reload` is none. */
  readonly watch: SecretWatch | null
}

/** How long a start waits until the previous instance has stopped. Milliseconds. */
const stopMs = 5_000

/** The connector instances of a thread. All calls run plugin code and may hang: the main thread has deadlines for them. */
export class ConnectorHost {
  readonly #options: ConnectorHostOptions
  readonly #instances = new Map<string, Instance>()
  #allStopped: Promise<unknown> | null = null

  constructor(options: ConnectorHostOptions) {
    this.#options = options
  }

  /**
   * Starts an instance, after stopping one that runs under that name within a time limit.
   * @throws what the plugin throws, ConfigError
   */
  async start(name: string, owner: number, raw: RawConfig): Promise<void> {
    const before = this.#instances.get(name)
    const instance: Instance = { owner, running: null }
    this.#instances.set(name, instance)
    if (before !== undefined) await settledWithin(this.#options.clock, stopMs, this.#end(name, before))
    if (this.#allStopped !== null) await settledWithin(this.#options.clock, stopMs, this.#allStopped)
    await this.#options.inNameOf(owner, async () => await this.#start(name, instance, raw))
  }

  /** Stops the instance, even if its `stop` throws. An instance that is still starting stops after its start. */
  async stop(name: string, owner: number): Promise<void> {
    const instance = this.#instances.get(name)
    if (instance?.owner !== owner) return
    this.#instances.delete(name)
    await this.#end(name, instance)
  }

  /** Stops all instances, because the thread is idle. A start waits for that, within its time limit. */
  async stopAll(): Promise<void> {
    const all = [...this.#instances]
    this.#allStopped = Promise.all(all.map(async ([name, { owner }]) => await this.stop(name, owner)))
    await this.#allStopped
    this.#allStopped = null
  }

  /**
   * Returns the task configs with references, as they are stored.
   * @throws NotFoundError when the instance does not run; ConnectError when it generates too many tasks; ConfigError when a
   *   secret is left in one
   */
  async taskConfigs(name: string, maxTasks: number): Promise<readonly RawConfig[]> {
    const instance = this.#instances.get(name)
    const running = instance?.running ?? null
    if (instance === undefined || running === null) throw new NotFoundError(`connector ${name} is not running`)
    const configs = await this.#options.inNameOf(
      instance.owner,
      async () => await running.connector.taskConfigs(maxTasks),
    )
    if (configs.length > maxTasks) {
      throw new ConnectError(
        `The connector ${name} has generated ${configs.length} tasks, which is greater than ${maxTasks}, the maximum number of tasks it is configured to create.`,
        { code: 'TOO_MANY_TASKS' },
      )
    }
    return configs.map(running.restore)
  }

  async #start(name: string, instance: Instance, raw: RawConfig): Promise<void> {
    const { plugins, secrets } = this.#options
    try {
      const plugin = await plugins.load(plugins.connector(raw['connector.class'] ?? ''))
      const resolved = await secrets.resolve([raw])
      const config = resolved.complete(raw)
      const connector = plugin.createConnector()
      await connector.start(parseConfig(plugin.configDef, config), config, this.#context(name, instance))
      const watch = reloads(config) ? this.#watched(name, instance, resolved) : null
      instance.running = { connector, restore: referenceRestorer({ raw, resolved }), watch }
      if (this.#instances.get(name) === instance) return
    } catch (error) {
      if (this.#instances.get(name) === instance) this.#instances.delete(name)
      throw error
    }
    await this.#end(name, instance)
    throw new ConnectError(`connector ${name} was stopped, or started again, before its start had returned`)
  }

  async #end(name: string, { owner, running }: Instance): Promise<void> {
    if (running === null) return
    running.watch?.close()
    try {
      await this.#options.inNameOf(owner, async () => await running.connector.stop())
    } catch (error) {
      this.#options.logger.warn(`connector ${name}: stop failed: ${errorMessage(error)}`, { error })
    }
  }

  #watched(name: string, instance: Instance, inUse: ResolvedReferences): SecretWatch {
    const { secrets: resolver, clock, onSecrets } = this.#options
    return new SecretWatch({ inUse, resolver, clock, onRefresh: (refresh) => onSecrets(name, instance.owner, refresh) })
  }

  /** Calls of an earlier instance are ignored. */
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
        if (!isCurrent()) return
        onFailed(name, instance.owner, connectorFailure(error))
      },
    }
  }
}
