import { ConnectError } from '../api/errors.ts'
import { unreachable } from '../foundation/assert.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevel } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { LogSink } from '../foundation/logging/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type {
  FromPluginThread,
  PluginThreadData,
  ToPluginThread,
  ToPluginThreadAnswers,
} from './plugin-thread/plugin-thread-messages.ts'
import { HostedThread } from './thread/hosted-thread.ts'
import { probeThread } from './thread/thread-probe.ts'

export interface PluginThreadOptions {
  /** Its first word is that of no other thread. */
  readonly name: string
  /** How long its event loop may stand still while somebody waits for it; null: as long as the call's deadline. */
  readonly blockedMs: number | null
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly logLevel: LogLevel
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly onReconfigure: (connector: string, owner: number) => void
  readonly onConnectorFailed: (connector: string, owner: number, trace: string) => void
  /** The thread ended, and all that lived in it is gone. It is opened again when it is asked. Null: it rests. */
  readonly onEnd: (thread: PluginThread, cause: PluginThreadBlockedError | Error | null) => void
}

type Thread = HostedThread<ToPluginThread, ToPluginThreadAnswers, FromPluginThread>

/** A thread that nobody asked for so long, and that does nothing by itself, is ended until it is asked again. */
const restMs = 10_000
const pingMs = 500
/** How long a blocked thread may take to say what it runs. */
const probeMs = 5_000
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 }
const entry = new URL(
  `./plugin-thread/plugin-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** A plugin did not answer in time. */
export class PluginTimeoutError extends ConnectError {}

/** The thread was ended because plugin code kept it from turning. */
export class PluginThreadBlockedError extends ConnectError {
  /** Whose code it was, see `owner` of the messages; null when that could not be found out. */
  readonly owner: number | null

  constructor(message: string, owner: number | null) {
    super(message)
    this.owner = owner
  }
}

/**
 * A thread in which plugin code runs that is no task (D5). A call that takes too long is refused. A thread whose event loop
 * does not turn while somebody waits for it is ended, and everybody who waits is told whose code it ran. A thread costs tens
 * of megabytes: when nothing in it holds a timer, a socket or the like, it is ended after a while.
 */
export class PluginThread {
  readonly #options: PluginThreadOptions
  #thread: Thread | null = null
  #calls = 0
  #silentMs = 0
  #pinging = false
  /** Whether the thread has answered once: until then it begins, which takes its time on a busy machine. */
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
  async ask<T extends keyof ToPluginThreadAnswers & string>(
    message: Extract<ToPluginThread, { type: T }>,
    deadlineMs: number,
    what: string,
  ): Promise<ToPluginThreadAnswers[T]> {
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

  /** Ends the thread wherever it is; who waits for it is told. */
  async close(): Promise<void> {
    this.#cancelRest?.()
    this.#stopWatch?.()
    this.#stopWatch = null
    const thread = this.#thread
    this.#thread = null
    await thread?.close()
  }

  /** Nobody waits. */
  #quiet(): void {
    this.#stopWatch?.()
    this.#stopWatch = null
    this.#silentMs = 0
    this.#cancelRest = this.#options.clock.after(restMs, () => void this.#rest())
  }

  /** Nobody asked for a while. A thread that does something by itself is asked again later. */
  async #rest(): Promise<void> {
    this.#cancelRest = null
    const thread = this.#thread
    if (thread === null || this.#calls > 0) return
    const mayRest = await thread.link.ask<'may-rest'>({ type: 'may-rest' }).catch(() => false)
    if (!mayRest || this.#calls > 0 || this.#thread !== thread) return
    this.#thread = null
    this.#options.onEnd(this, null)
    await thread.close()
  }

  /** Pings while somebody waits. As for task threads, time in which this thread stood still itself does not count. */
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
    const answered = await thread.link.ask<'ping'>({ type: 'ping' }).then(
      () => true,
      () => false, // It ended, which is told to those who wait for more than this.
    )
    if (this.#thread !== thread) return
    this.#pinging = false
    this.#hasBegun ||= answered
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
    const message = `${thread.name} was ended: plugin code kept it from turning for ${Math.round(this.#silentMs / 1000)} s. ${place}`
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
    const workerData: PluginThreadData = { foundPlugins: this.#options.foundPlugins, logLevel: this.#options.logLevel }
    const thread: Thread = new HostedThread<ToPluginThread, ToPluginThreadAnswers, FromPluginThread>({
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
    const { onReconfigure, onConnectorFailed, logSink } = this.#options
    switch (message.type) {
      case 'reconfigure':
        return onReconfigure(message.connector, message.owner)
      case 'connector-failed':
        return onConnectorFailed(message.connector, message.owner, message.trace)
      case 'log':
        return logSink.write(message.level, message.name, message.message, message.fields)
      default:
        return unreachable(message, 'message of a plugin thread')
    }
  }
}
