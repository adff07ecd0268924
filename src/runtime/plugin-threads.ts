import type { RawConfig } from '../api/config-def.ts'
import type { DiagnosisFinding } from '../api/diagnosis/finding.ts'
import { NotFoundError } from '../api/errors.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../config/definition/config-infos.ts'
import type { WorkerGroup } from '../config/connector/connector-problems.ts'
import type { WorkerProviders } from '../config/providers/provider-settings.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevels } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { LogSink } from '../foundation/logging/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type { ConnectorListener } from './connector-listener.ts'
import { connectorFailure } from './failures.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { PluginThread, PluginThreadBlockedError, PluginTimeoutError } from './plugin-thread.ts'
import type { RecordsRead, RecordsToRead, RecordToLocate } from './plugin-thread/records/readable-record.ts'
import type { LocatedRecord } from './plugin-thread/records/record-places.ts'
import type { OffsetChanges, ToPluginThread, ToPluginThreadResponses } from './plugin-thread/plugin-thread-messages.ts'

export interface PluginThreadsOptions {
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly providers: WorkerProviders
  readonly logLevels: LogLevels
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly listener: ConnectorListener
}

/** How long calls of plugin code may take, and how long plugin code may block a shared thread. Milliseconds. */
const deadlines = { call: 60_000, stop: 5_000, blocked: 5_000, conversion: 20_000, diagnose: 10_000 }
/** The timeout of the plugin itself is a little shorter than the deadline of the call. */
const pluginTimeoutMs = deadlines.call - 2_000
const conversionMs = deadlines.conversion - 5_000
/** How many validations may block a thread of their own at the same time. */
const maxAlone = 4

type CallType = keyof ToPluginThreadResponses & string

/** A call that any thread can make. */
interface SharedCall<T extends CallType> {
  /** For errors. */
  readonly what: string
  readonly deadlineMs: number
  /** The thread to make it in; by default that of validation. */
  readonly purpose?: 'validation' | 'records' | 'diagnosis'
  readonly message: (owner: number) => Extract<ToPluginThread, { type: T }>
}

interface Instance {
  readonly connector: string
  readonly config: RawConfig
  /** Identifies its code in the thread. */
  readonly owner: number
  thread: PluginThread
  /** Whether there is, or may be, an instance in the thread. */
  live: boolean
  starting: boolean
  started: boolean
}

/**
 * The threads for plugin code other than tasks (ADR 0005): one for the connector instances of each class, one for
 * validation, one for records that people read, and one for diagnoses. A call that exceeds its deadline fails. Code that blocks a shared thread is retried once in a thread of its
 * own, until its deadline, while the others continue in a new thread. An instance whose idle thread was ended is started
 * again by the next call.
 */
export class PluginThreads {
  readonly #options: PluginThreadsOptions
  readonly #threads = new Map<string, PluginThread>()
  readonly #instances = new Map<string, Instance>()
  /** Connectors that blocked the thread of their class, with the config under which they did. */
  readonly #solitary = new Map<string, RawConfig>()
  #numbers = 0
  #alone = 0

  constructor(options: PluginThreadsOptions) {
    this.#options = options
  }

  get isResting(): boolean {
    return [...this.#threads.values()].every(({ isResting }) => isResting)
  }

  /**
   * Starts the connector's instance, after stopping one that runs. A later start or stop takes its place.
   * @throws what the plugin throws, PluginTimeoutError
   */
  async startConnector(connector: string, config: RawConfig): Promise<void> {
    const before = this.#instances.get(connector)
    const thread = this.#threadOf(connector, config)
    const owner = this.#number()
    const instance = { connector, config, owner, thread, live: true, starting: true, started: false }
    this.#instances.set(connector, instance)
    if (before?.live === true && before.thread !== thread) {
      await this.#stop(before).catch((error: unknown) => {
        this.#options.logger.warn(`connector ${connector} did not stop gracefully: ${errorMessage(error)}`)
      })
    }
    await this.#start(instance)
  }

  async stopConnector(connector: string): Promise<void> {
    const instance = this.#instances.get(connector)
    this.#instances.delete(connector)
    if (instance?.live === true) await this.#stop(instance)
  }

  /** @throws what the plugin throws, PluginTimeoutError, NotFoundError when the connector does not run */
  async taskConfigs(connector: string, maxTasks: number): Promise<readonly RawConfig[]> {
    const what = `taskConfigs of ${connector}`
    for (;;) {
      const instance = this.#instances.get(connector)
      if (instance === undefined) throw new NotFoundError(`connector ${connector} is not running`)
      if (instance.started && !instance.live) await this.#start(instance)
      const { thread } = instance
      try {
        return await thread.ask<'task-configs'>({ type: 'task-configs', connector, maxTasks }, deadlines.call, what)
      } catch (error) {
        if (!(error instanceof PluginThreadBlockedError)) throw error
      }
    }
  }

  async validate(config: SubmittedConfig, worker: WorkerGroup): Promise<ConfigInfos> {
    return await this.#asked<'validate'>({
      what: `validation of ${config['connector.class'] ?? 'a config'}`,
      deadlineMs: deadlines.call,
      message: (owner) => ({ type: 'validate', owner, config, worker, timeoutMs: pluginTimeoutMs }),
    })
  }

  async pluginConfig(plugin: string): Promise<readonly ConfigKeyInfo[]> {
    return await this.#asked<'plugin-config'>({
      what: `config of ${plugin}`,
      deadlineMs: deadlines.call,
      message: (owner) => ({ type: 'plugin-config', owner, plugin }),
    })
  }

  /**
   * Has the plugin check, and apply where it keeps them elsewhere, a change of offsets of a connector that is stopped.
   * Returns whether the connector has no other offsets, or has changed them; false when the plugin cannot say.
   * @throws what the plugin throws, PluginTimeoutError
   */
  async alterOffsets(connector: string, config: RawConfig, offsets: OffsetChanges): Promise<boolean> {
    return await this.#asked<'alter-offsets'>({
      what: `alterOffsets of ${connector}`,
      deadlineMs: deadlines.call,
      message: (owner) => ({ type: 'alter-offsets', owner, config, offsets, timeoutMs: pluginTimeoutMs }),
    })
  }

  /**
   * Reads records with the converters of a connector, in a thread for that.
   * @throws ConfigError, PluginTimeoutError; a record that cannot be converted has the reason
   */
  async readRecords(asked: RecordsToRead): Promise<RecordsRead> {
    return await this.#asked<'read-records'>({
      what: `conversion of records of ${asked.topic}`,
      deadlineMs: deadlines.conversion,
      purpose: 'records',
      message: (owner) => ({ type: 'read-records', owner, asked, timeoutMs: conversionMs }),
    })
  }

  /**
   * Has the plugin look at its server, in a thread of these calls: a server or a plugin that hangs delays no validation.
   * @throws what the plugin throws, PluginTimeoutError
   */
  async diagnose(
    connector: string,
    config: RawConfig,
    topics: readonly string[],
  ): Promise<readonly DiagnosisFinding[]> {
    const timeoutMs = deadlines.diagnose - 1_000
    return await this.#asked<'diagnose'>({
      what: `diagnosis of ${connector}`,
      deadlineMs: deadlines.diagnose,
      purpose: 'diagnosis',
      message: (owner) => ({ type: 'diagnose', owner, connector, config, topics, timeoutMs }),
    })
  }

  /** Asks a sink where a record is. @throws what the plugin throws, PluginTimeoutError */
  async locateRecord(asked: RecordToLocate): Promise<LocatedRecord> {
    return await this.#asked<'locate-record'>({
      what: `search for a record of ${asked.topic}`,
      deadlineMs: deadlines.conversion,
      purpose: 'records',
      message: (owner) => ({ type: 'locate-record', owner, asked, timeoutMs: conversionMs }),
    })
  }

  async close(): Promise<void> {
    this.#instances.clear()
    await Promise.all([...this.#threads.values()].map(async (thread) => await thread.close()))
  }

  /** Makes a call that can be repeated in another thread. */
  async #asked<T extends CallType>(call: SharedCall<T>): Promise<ToPluginThreadResponses[T]> {
    const { what, deadlineMs, message, purpose = 'validation' } = call
    for (;;) {
      const owner = this.#number()
      try {
        return await this.#shared(purpose).ask<T>(message(owner), deadlineMs, what)
      } catch (error) {
        if (!(error instanceof PluginThreadBlockedError)) throw error
        if (error.owner === null || error.owner === owner) return await this.#askedAlone(call)
      }
    }
  }

  async #askedAlone<T extends CallType>({
    what,
    deadlineMs,
    message,
    purpose = 'validation',
  }: SharedCall<T>): Promise<ToPluginThreadResponses[T]> {
    if (this.#alone >= maxAlone) {
      throw new PluginTimeoutError(
        `${what} blocked its thread for ${deadlines.blocked / 1000} s, and ${maxAlone} other calls block threads of their own`,
      )
    }
    this.#alone += 1
    const thread = this.#open(`${purpose}-alone`, null)
    try {
      return await thread.ask<T>(message(this.#number()), deadlineMs, what)
    } finally {
      await thread.close()
      this.#alone -= 1
    }
  }

  async #start(instance: Instance): Promise<void> {
    const { connector, config, owner } = instance
    const message = { type: 'start-connector', connector, owner, config } as const
    instance.starting = true
    try {
      for (;;) {
        instance.live = true
        try {
          await instance.thread.ask<'start-connector'>(message, deadlines.call, `start of ${connector}`)
          instance.started = true
          return
        } catch (error) {
          if (!(error instanceof PluginThreadBlockedError) || !this.#isCurrent(instance)) throw error
          instance.thread = this.#threadOf(connector, config)
        }
      }
    } catch (error) {
      if (error instanceof PluginTimeoutError) await this.#endOwn(instance)
      throw error
    } finally {
      instance.starting = false
    }
  }

  async #stop({ connector, thread, owner }: Instance): Promise<void> {
    try {
      const message = { type: 'stop-connector', connector, owner } as const
      await thread.ask<'stop-connector'>(message, deadlines.stop, `stop of ${connector}`)
    } finally {
      if (this.#threads.get(ownKey(connector)) === thread) await this.#close(ownKey(connector), thread)
    }
  }

  async #endOwn(instance: Instance): Promise<void> {
    const key = ownKey(instance.connector)
    if (this.#threads.get(key) !== instance.thread) return
    instance.live = false
    await this.#close(key, instance.thread)
  }

  async #close(key: string, thread: PluginThread): Promise<void> {
    this.#threads.delete(key)
    await thread.close()
  }

  #isCurrent(instance: Instance): boolean {
    return this.#instances.get(instance.connector) === instance
  }

  /** A connector that blocked the thread of its class has its own thread until its config changes. */
  #threadOf(connector: string, config: RawConfig): PluginThread {
    if (this.#solitary.get(connector) !== config) this.#solitary.delete(connector)
    if (!this.#solitary.has(connector)) return this.#shared(config['connector.class']?.trim() ?? '')
    const key = ownKey(connector)
    const thread = this.#threads.get(key) ?? this.#open(connector, null)
    this.#threads.set(key, thread)
    return thread
  }

  #shared(purpose: string): PluginThread {
    const key = `shared ${purpose}`
    const thread = this.#threads.get(key) ?? this.#open(purpose, deadlines.blocked)
    this.#threads.set(key, thread)
    return thread
  }

  #open(purpose: string, blockedMs: number | null): PluginThread {
    const { listener } = this.#options
    return new PluginThread({
      ...this.#options,
      name: `plugin-thread-${this.#number()} ${purpose}`,
      blockedMs,
      onReconfigure: (connector, owner) => {
        if (this.#instances.get(connector)?.owner === owner) listener.onReconfigure(connector)
      },
      onConnectorFailed: (connector, owner, failure) => {
        if (this.#instances.get(connector)?.owner === owner) listener.onConnectorFailed(connector, failure)
      },
      onConnectorSecrets: (connector, owner, refresh) => {
        if (this.#instances.get(connector)?.owner === owner) listener.onConnectorSecrets(connector, refresh)
      },
      onEnd: (thread, cause) => this.#ended(thread, cause),
    })
  }

  #ended(thread: PluginThread, cause: Error | null): void {
    const lost = [...this.#instances.values()].filter((instance) => instance.live && instance.thread === thread)
    for (const instance of lost) instance.live = false
    if (cause === null) return
    if (cause instanceof PluginThreadBlockedError) {
      for (const { connector, config, owner } of lost) {
        if (cause.owner === null || cause.owner === owner) this.#solitary.set(connector, config)
      }
      for (const instance of lost) if (instance.started && !instance.starting) void this.#startAgain(instance)
      return
    }
    for (const instance of lost) instance.started = false
    if (lost.length > 0)
      this.#options.listener.onConnectorsLost(
        lost.map(({ connector }) => connector),
        cause,
      )
  }

  /** Restarts an instance whose thread was ended because this or another instance blocked it. */
  async #startAgain(instance: Instance): Promise<void> {
    instance.thread = this.#threadOf(instance.connector, instance.config)
    try {
      await this.#start(instance)
    } catch (error) {
      if (this.#isCurrent(instance))
        this.#options.listener.onConnectorFailed(instance.connector, connectorFailure(error))
    }
  }

  #number(): number {
    this.#numbers += 1
    return this.#numbers
  }
}

function ownKey(connector: string): string {
  return `own ${connector}`
}
