import type { SourceOffset, SourcePartition } from '../api/record.ts'
import { unreachable } from '../foundation/assert.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevel } from '../foundation/log-levels.ts'
import type { Logger } from '../foundation/logger.ts'
import type { LogSink } from '../foundation/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import { traceOf } from './failures.ts'
import { taskName, type TaskId } from './task-id.ts'
import type { TaskSettings } from './task-settings.ts'
import type { TaskState } from './task-thread/task-control.ts'
import type {
  FromTaskThread,
  TaskSamples,
  TaskStart,
  TaskThreadData,
  ToTaskThread,
  ToTaskThreadAnswers,
} from './task-thread/task-thread-messages.ts'
import { HostedThread } from './thread/hosted-thread.ts'
import { ThreadEndedError } from './thread/thread-link.ts'

/** What running tasks tell the worker. */
export interface TaskThreadEvents {
  onTaskState(id: TaskId, state: TaskState, trace: string | null): void
  /** The task has ended. `cause` tells a failure of its own from the death of its thread. */
  onTaskFailed(id: TaskId, trace: string, cause: 'task' | 'thread'): void
  onTopic(id: TaskId, topic: string): void
  onMetrics(tasks: readonly TaskSamples[]): void
  readOffsets(connector: string, partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]>
}

export interface TaskThreadsOptions {
  readonly settings: TaskSettings
  readonly foundPlugins: readonly PluginDescriptor[]
  /** `task.threads.max`: from then on, tasks of one plugin share threads. */
  readonly maxThreads: number
  readonly logLevel: LogLevel
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly events: TaskThreadEvents
}

type Thread = HostedThread<ToTaskThread, ToTaskThreadAnswers, FromTaskThread>

interface Hosting {
  readonly className: string
  readonly tasks: Map<string, TaskId>
  thread: Thread
}

/**
 * Bounds of a task's thread. A small young generation keeps idle tasks small; a task that needs more than the old
 * generation fails alone and is started again, instead of taking the process with it.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 512 }

const entry = new URL(
  `./task-thread/task-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** The threads that run tasks (D5): one task each until the limit, then tasks of one plugin share. */
export class TaskThreads {
  readonly #options: TaskThreadsOptions
  readonly #hostings = new Set<Hosting>()
  #started = 0

  constructor(options: TaskThreadsOptions) {
    this.#options = options
  }

  get threadCount(): number {
    return this.#hostings.size
  }

  has(id: TaskId): boolean {
    return this.#hostingOf(id) !== undefined
  }

  /** Hands the task to a thread; its states come through the events. @throws when its thread dies meanwhile. */
  async start(start: TaskStart, className: string): Promise<void> {
    const hosting = this.#placeFor(className, start.id)
    try {
      await hosting.thread.link.ask<'start'>({ type: 'start', start })
    } catch (error) {
      // A task that failed at once was reported, and its thread closed, before the answer came.
      if (hosting.tasks.has(taskName(start.id)) || !(error instanceof ThreadEndedError)) throw error
    }
  }

  /**
   * Asks the task to end in order and waits, at most `timeoutMs`. One that does not end is taken off with its thread,
   * or, when it shares the thread, left behind there with a warning.
   */
  async stop(id: TaskId, timeoutMs: number): Promise<void> {
    const hosting = this.#hostingOf(id)
    if (hosting === undefined) return
    const late = Symbol('late')
    const clock = this.#options.clock
    const timer = new AbortController()
    const outcome = await Promise.race([
      hosting.thread.link.ask<'stop'>({ type: 'stop', id }).catch((error: unknown) => {
        this.#options.logger.warn(`task ${taskName(id)} did not end in order: ${String(error)}`)
      }),
      clock.sleep(timeoutMs, timer.signal).then(
        () => late,
        () => undefined,
      ),
    ])
    timer.abort()
    if (outcome === late) {
      const shared = hosting.tasks.size > 1
      const what = shared ? 'It shares its thread and stays behind there' : 'Its thread is ended'
      this.#options.logger.warn(
        `task ${taskName(id)} did not stop within ${timeoutMs} ms. ${what}; records may repeat.`,
      )
    }
    await this.#release(hosting, id)
  }

  pause(id: TaskId): void {
    this.#hostingOf(id)?.thread.link.send({ type: 'pause', id })
  }

  resume(id: TaskId): void {
    this.#hostingOf(id)?.thread.link.send({ type: 'resume', id })
  }

  setLogLevel(level: LogLevel): void {
    for (const { thread } of this.#hostings) thread.link.send({ type: 'log-level', level })
  }

  /** Ends all threads at once; stop the tasks before. */
  async close(): Promise<void> {
    const hostings = [...this.#hostings]
    this.#hostings.clear()
    await Promise.all(hostings.map(async ({ thread }) => await thread.close()))
  }

  #hostingOf(id: TaskId): Hosting | undefined {
    const name = taskName(id)
    for (const hosting of this.#hostings) if (hosting.tasks.has(name)) return hosting
    return undefined
  }

  #placeFor(className: string, id: TaskId): Hosting {
    const siblings = [...this.#hostings].filter((hosting) => hosting.className === className)
    const least = siblings.toSorted((a, b) => a.tasks.size - b.tasks.size)[0]
    const hosting =
      least !== undefined && this.#hostings.size >= this.#options.maxThreads ? least : this.#open(className, id)
    hosting.tasks.set(taskName(id), id)
    return hosting
  }

  #open(className: string, id: TaskId): Hosting {
    const { settings, foundPlugins, logLevel } = this.#options
    const clientId = `connector-${taskName(id)}`
    const workerData: TaskThreadData = { settings, foundPlugins, logLevel, clientId }
    this.#started += 1
    const tasks = new Map<string, TaskId>()
    const hosting: Hosting = {
      className,
      tasks,
      thread: new HostedThread<ToTaskThread, ToTaskThreadAnswers, FromTaskThread>({
        name: `task-thread-${this.#started} ${taskName(id)}`,
        entry,
        workerData,
        resourceLimits,
        handle: (message) => this.#receive(hosting, message),
        onDeath: (reason) => this.#died(hosting, reason),
      }),
    }
    this.#hostings.add(hosting)
    return hosting
  }

  #receive(hosting: Hosting, message: FromTaskThread): unknown {
    const { events, logSink } = this.#options
    switch (message.type) {
      case 'state':
        return events.onTaskState(message.id, message.state, message.trace)
      case 'failed':
        events.onTaskFailed(message.id, message.trace, 'task')
        return this.#release(hosting, message.id)
      case 'topic':
        return events.onTopic(message.id, message.topic)
      case 'metrics':
        return events.onMetrics(message.tasks)
      case 'read-offsets':
        return events.readOffsets(message.connector, message.partitions)
      case 'log':
        return logSink.write(message.level, message.name, message.message, message.fields)
      default:
        return unreachable(message, 'message of a task thread')
    }
  }

  /** All its tasks failed with it; who waits for its answers was told by the link. */
  #died(hosting: Hosting, reason: Error): void {
    this.#hostings.delete(hosting)
    this.#options.logger.error(reason.message, { tasks: [...hosting.tasks.keys()] })
    for (const id of hosting.tasks.values()) this.#options.events.onTaskFailed(id, traceOf(reason), 'thread')
  }

  async #release(hosting: Hosting, id: TaskId): Promise<void> {
    hosting.tasks.delete(taskName(id))
    if (hosting.tasks.size > 0 || !this.#hostings.delete(hosting)) return
    await hosting.thread.close()
  }
}
