import type { RawConfig } from '../api/config-def.ts'
import { ConnectError } from '../api/errors.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../config/config-infos.ts'
import type { WorkerGroup } from '../config/connector-problems.ts'
import { unreachable } from '../foundation/assert.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevel } from '../foundation/log-levels.ts'
import type { Logger } from '../foundation/logger.ts'
import type { LogSink } from '../foundation/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type {
  FromPluginThread,
  PluginThreadData,
  ToPluginThread,
  ToPluginThreadAnswers,
} from './plugin-thread/plugin-thread-messages.ts'
import { HostedThread } from './thread/hosted-thread.ts'

/** What connector instances tell the worker by themselves. */
export interface PluginThreadEvents {
  onReconfigure(connector: string): void
  onConnectorFailed(connector: string, trace: string): void
  /** The thread is gone, and all connector instances with it. */
  onDeath(reason: Error): void
}

export interface PluginThreadOptions {
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly logLevel: LogLevel
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly events: PluginThreadEvents
}

type Thread = HostedThread<ToPluginThread, ToPluginThreadAnswers, FromPluginThread>

/** How long plugin code may take, and how long a thread may be deaf before it counts as stuck. Milliseconds. */
const deadlines = { call: 60_000, stop: 5_000, ping: 2_000 }
/** A thread that nobody asked for so long, and that does nothing by itself, is ended until it is asked again. */
const restMs = 10_000
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 }
const entry = new URL(
  `./plugin-thread/plugin-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** A plugin did not answer in time. */
export class PluginTimeoutError extends ConnectError {}

/**
 * The thread in which plugin code runs that is no task: connector instances, validation, task configs (D5). A call
 * that takes too long is refused; a thread that does not even answer a ping then is replaced, its connectors lost.
 * A thread costs tens of megabytes: when no instance in it holds a timer, a socket or the like, it is ended after a
 * while, and the instances are started again when they are asked for something.
 */
export class PluginThread {
  readonly #options: PluginThreadOptions
  /** Configs of the connectors that are started, whether their instances live in a thread or rest. */
  readonly #started = new Map<string, RawConfig>()
  /** Those whose instances live in the thread. */
  readonly #live = new Set<string>()
  #thread: Thread | null = null
  #logLevel: LogLevel
  #calls = 0
  #cancelRest: (() => void) | null = null

  constructor(options: PluginThreadOptions) {
    this.#options = options
    this.#logLevel = options.logLevel
  }

  /** Starts (or starts again) the connector's instance. @throws what the plugin throws, PluginTimeoutError */
  async startConnector(connector: string, config: RawConfig): Promise<void> {
    this.#started.delete(connector)
    this.#live.add(connector)
    await this.#ask<'start-connector'>(
      { type: 'start-connector', connector, config },
      deadlines.call,
      `start of ${connector}`,
    )
    this.#started.set(connector, config)
  }

  async stopConnector(connector: string): Promise<void> {
    this.#started.delete(connector)
    if (!this.#live.delete(connector)) return
    await this.#ask<'stop-connector'>({ type: 'stop-connector', connector }, deadlines.stop, `stop of ${connector}`)
  }

  async taskConfigs(connector: string, maxTasks: number): Promise<readonly RawConfig[]> {
    const config = this.#started.get(connector)
    if (config !== undefined && !this.#live.has(connector)) await this.startConnector(connector, config)
    const what = `taskConfigs of ${connector}`
    return await this.#ask<'task-configs'>({ type: 'task-configs', connector, maxTasks }, deadlines.call, what)
  }

  async validate(config: SubmittedConfig, worker: WorkerGroup): Promise<ConfigInfos> {
    const what = `validation of ${config['connector.class'] ?? 'a config'}`
    // The plugin is asked to give up a little before we do.
    const timeoutMs = deadlines.call - deadlines.ping
    return await this.#ask<'validate'>({ type: 'validate', config, worker, timeoutMs }, deadlines.call, what)
  }

  async pluginConfig(plugin: string): Promise<readonly ConfigKeyInfo[]> {
    return await this.#ask<'plugin-config'>({ type: 'plugin-config', plugin }, deadlines.call, `config of ${plugin}`)
  }

  setLogLevel(level: LogLevel): void {
    this.#logLevel = level
    this.#thread?.link.send({ type: 'log-level', level })
  }

  get isResting(): boolean {
    return this.#thread === null
  }

  async close(): Promise<void> {
    this.#cancelRest?.()
    await this.#endThread()
  }

  async #endThread(): Promise<void> {
    const thread = this.#thread
    this.#thread = null
    this.#live.clear()
    await thread?.close()
  }

  /** Nobody asked for a while. A thread that does something by itself is asked again later. */
  async #rest(): Promise<void> {
    this.#cancelRest = null
    const thread = this.#thread
    if (thread === null || this.#calls > 0) return
    const mayRest = await thread.link.ask<'may-rest'>({ type: 'may-rest' }).catch(() => false)
    if (mayRest && this.#calls === 0 && this.#thread === thread) await this.#endThread()
  }

  async #ask<T extends keyof ToPluginThreadAnswers & string>(
    message: Extract<ToPluginThread, { type: T }>,
    deadlineMs: number,
    what: string,
  ): Promise<ToPluginThreadAnswers[T]> {
    this.#calls += 1
    this.#cancelRest?.()
    const thread = this.#open()
    const timer = new AbortController()
    const late = this.#options.clock.sleep(deadlineMs, timer.signal).then(() => {
      throw new PluginTimeoutError(`${what} did not end within ${deadlineMs / 1000} s`)
    })
    try {
      return await Promise.race([thread.link.ask<T>(message), late])
    } catch (error) {
      if (error instanceof PluginTimeoutError) await this.#replaceIfStuck(thread, error)
      throw error
    } finally {
      timer.abort()
      late.catch(() => undefined)
      this.#calls -= 1
      if (this.#calls === 0) this.#cancelRest = this.#options.clock.after(restMs, () => void this.#rest())
    }
  }

  async #replaceIfStuck(thread: Thread, cause: Error): Promise<void> {
    const timer = new AbortController()
    const alive = await Promise.race([
      thread.link.ask<'ping'>({ type: 'ping' }).then(
        () => true,
        () => false,
      ),
      this.#options.clock.sleep(deadlines.ping, timer.signal).then(
        () => false,
        () => false,
      ),
    ])
    timer.abort()
    if (alive || this.#thread !== thread) return
    this.#started.clear()
    await this.#endThread()
    this.#options.events.onDeath(
      new PluginTimeoutError(`the plugin thread is stuck and was replaced: ${cause.message}`),
    )
  }

  #open(): Thread {
    if (this.#thread !== null) return this.#thread
    const workerData: PluginThreadData = { foundPlugins: this.#options.foundPlugins, logLevel: this.#logLevel }
    const thread: Thread = new HostedThread<ToPluginThread, ToPluginThreadAnswers, FromPluginThread>({
      name: 'plugin-thread',
      entry,
      workerData,
      resourceLimits,
      handle: (message) => this.#receive(message),
      onDeath: (reason) => {
        if (this.#thread !== thread) return
        this.#thread = null
        this.#started.clear()
        this.#live.clear()
        this.#options.logger.error(reason.message)
        this.#options.events.onDeath(reason)
      },
    })
    this.#thread = thread
    return thread
  }

  #receive(message: FromPluginThread): unknown {
    const { events, logSink } = this.#options
    switch (message.type) {
      case 'reconfigure':
        return events.onReconfigure(message.connector)
      case 'connector-failed':
        return events.onConnectorFailed(message.connector, message.trace)
      case 'log':
        return logSink.write(message.level, message.name, message.message, message.fields)
      default:
        return unreachable(message, 'message of the plugin thread')
    }
  }
}
