import { ConnectError, RetriableError } from '../api/errors.ts'
import type { WorkerProviders } from '../config/providers/provider-settings.ts'
import type { SecretRefresh } from '../config/providers/secret-watch.ts'
import { unreachable } from '../foundation/assert.ts'
import { settledWithin } from '../foundation/async/deadline.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevels } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { LogSink } from '../foundation/logging/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type { ConnectorFailure } from './connector-listener.ts'
import type {
  FromPluginThread,
  PluginThreadData,
  ToPluginThread,
  ToPluginThreadResponses,
} from './plugin-thread/plugin-thread-messages.ts'
import { HostedThread } from './thread/hosted-thread.ts'
import { probeThread } from './thread/thread-probe.ts'

export interface PluginThreadOptions {
  /** Its first word is unique among threads. */
  readonly name: string
  /** How long its event loop may be blocked while a call waits; null: until the deadline of the call. */
  readonly blockedMs: number | null
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly providers: WorkerProviders
  readonly logLevels: LogLevels
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly onReconfigure: (connector: string, owner: number) => void
  readonly onConnectorFailed: (connector: string, owner: number, failure: ConnectorFailure) => void
  readonly onConnectorSecrets: (connector: string, owner: number, refresh: SecretRefresh) => void
  /** The thread ended, with everything in it. The next call starts it again. A null cause: it was idle. */
  readonly onEnd: (thread: PluginThread, cause: PluginThreadBlockedError | Error | null) => void
}

type Thread = HostedThread<ToPluginThread, ToPluginThreadResponses, FromPluginThread>

/** A thread without calls for this long, in which nothing is active, is ended until the next call. Milliseconds. */
const restMs = 10_000
/** How long the instances of an idle thread may take to stop. Milliseconds. */
const stopMs = 5_000
const pingMs = 500
/** How long a blocked thread may take to report what it runs. Milliseconds. */
const probeMs = 5_000
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 }
const entry = new URL(
  `./plugin-thread/plugin-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** A call of a plugin exceeded its deadline. */
export class PluginTimeoutError extends RetriableError {}

/** The thread was ended because plugin code blocked its event loop. */
export class PluginThreadBlockedError extends ConnectError {
  /** The owner of that code, see `owner` of the messages; null when it is unknown. */
  readonly owner: number | null

  constructor(message: string, owner: number | null) {
    super(message)
    this.owner = owner
  }
}

/**
 * A thread for plugin code other than tasks (ADR 0005). A call that exceeds its deadline fails. If the event loop is blocked
 * while calls wait, the thread is ended, and the calls fail with an error that names the owner of the blocking code. A thread
 * costs tens of megabytes, so one in which no timer, socket or the like is open is ended after a while, its instances stopped.
 */
export class PluginThread {
  readonly #options: PluginThreadOptions
  #thread: Thread | null = null
  #calls = 0
  #silentMs = 0
  #pinging = false
  /** Whether the thread has responded once. Until then it is starting, which takes long on a busy machine. */
  #hasBegun = false
  #probing = false
  #cancelRest: (() => void) | null = null
  #stopWatch: (() => void) | null = null

  constructor(options: PluginThreadOptions) {
    this.#options = options
  }

  get isResting(): boolean {
    return this.#thread === null
  }

  /** @throws what the plugin throws, PluginTimeoutError, PluginThreadBlockedError, ThreadEndedError */
  async ask<T extends keyof ToPluginThreadResponses & string>(
    message: Extract<ToPluginThread, { type: T }>,
    deadlineMs: number,
    what: string,
  ): Promise<ToPluginThreadResponses[T]> {
    this.#calls += 1
    this.#cancelRest?.()
    const thread = this.#open()
    this.#stopWatch ??= this.#watch()
    const late = Promise.withResolvers<never>()
    const cancel = this.#options.clock.after(deadlineMs, () =>
      late.reject(new PluginTimeoutError(`${what} did not end within ${deadlineMs / 1000} s`)),
    )
    try {
      return await Promise.race([thread.link.ask<T>(message), late.promise])
    } finally {
      cancel()
      this.#calls -= 1
      if (this.#calls === 0) this.#quiet()
    }
  }

  /** Ends the thread whatever it runs; calls that wait fail. */
  async close(): Promise<void> {
    this.#cancelRest?.()
    this.#stopWatch?.()
    this.#stopWatch = null
    const thread = this.#thread
    this.#thread = null
    await thread?.close()
  }

  /** No call waits any more. */
  #quiet(): void {
    this.#stopWatch?.()
    this.#stopWatch = null
    this.#silentMs = 0
    this.#cancelRest = this.#options.clock.after(restMs, () => void this.#rest())
  }

  /** There was no call for a while. A thread in which something is active stays. */
  async #rest(): Promise<void> {
    this.#cancelRest = null
    const thread = this.#thread
    if (thread === null || this.#calls > 0) return
    const mayRest = await thread.link.ask<'may-rest'>({ type: 'may-rest' }).catch(() => false)
    if (!mayRest || this.#calls > 0 || this.#thread !== thread) return
    // From here on, a call starts its instance again, in this thread or the next one.
    this.#options.onEnd(this, null)
    await settledWithin(this.#options.clock, stopMs, thread.link.ask<'stop-all'>({ type: 'stop-all' }))
    if (this.#calls > 0 || this.#thread !== thread) return
    this.#thread = null
    await thread.close()
  }

  /** Pings while calls wait. As for task threads, time in which the main thread itself was blocked does not count. */
  #watch(): (() => void) | null {
    const { clock, blockedMs } = this.#options
    if (blockedMs === null) return null
    let lookedAt = clock.monotonic()
    return clock.every(pingMs, () => {
      const now = clock.monotonic()
      this.#silentMs = this.#pinging && this.#hasBegun ? this.#silentMs + Math.min(now - lookedAt, 2 * pingMs) : 0
      lookedAt = now
      if (this.#silentMs > blockedMs) void this.#probe()
      else void this.#ping()
    })
  }

  async #ping(): Promise<void> {
    const thread = this.#thread
    if (this.#pinging || thread === null) return
    this.#pinging = true
    const hasResponded = await thread.link.ask<'ping'>({ type: 'ping' }).then(
      () => true,
      () => false, // It ended: other calls report that.
    )
    if (this.#thread !== thread) return
    this.#pinging = false
    this.#hasBegun ||= hasResponded
  }

  async #probe(): Promise<void> {
    const thread = this.#thread
    if (this.#probing || thread === null) return
    this.#probing = true
    const activity = await probeThread(thread.name, probeMs, this.#options.clock).finally(() => {
      this.#probing = false
    })
    if (!this.#pinging || this.#thread !== thread) return
    const place = activity === null ? 'It runs native code.' : `It runs:\n${activity.stack}`
    const message = `${thread.name} was ended: plugin code blocked its event loop for ${Math.round(this.#silentMs / 1000)} s. ${place}`
    const error = new PluginThreadBlockedError(message, activity?.owner ?? null)
    this.#options.logger.error(message)
    this.#thread = null
    this.#pinging = false
    this.#silentMs = 0
    this.#options.onEnd(this, error)
    thread.link.end(error)
    await thread.close()
  }

  #open(): Thread {
    if (this.#thread !== null) return this.#thread
    const workerData: PluginThreadData = {
      foundPlugins: this.#options.foundPlugins,
      providers: this.#options.providers,
      logLevels: this.#options.logLevels.buffer,
    }
    const thread: Thread = new HostedThread<ToPluginThread, ToPluginThreadResponses, FromPluginThread>({
      name: this.#options.name,
      entry,
      workerData,
      resourceLimits,
      handle: (message) => this.#receive(message),
      onDeath: (reason) => {
        if (this.#thread !== thread) return
        this.#thread = null
        this.#options.logger.error(reason.message)
        this.#options.onEnd(this, reason)
      },
    })
    this.#thread = thread
    this.#hasBegun = false
    this.#pinging = false
    void this.#ping()
    return thread
  }

  #receive(message: FromPluginThread): unknown {
    const { onReconfigure, onConnectorFailed, onConnectorSecrets, logSink } = this.#options
    switch (message.type) {
      case 'reconfigure':
        return onReconfigure(message.connector, message.owner)
      case 'connector-failed':
        return onConnectorFailed(message.connector, message.owner, message.failure)
      case 'connector-secrets':
        return onConnectorSecrets(message.connector, message.owner, message.refresh)
      case 'log':
        return logSink.write(message.level, message.name, message.message, message.fields)
      default:
        return unreachable(message, 'message of a plugin thread')
    }
  }
}
