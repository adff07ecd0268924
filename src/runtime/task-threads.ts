import { type TaskId, formatTaskId } from '../config/connector/task-id.ts'
import { settledWithin } from '../foundation/async/deadline.ts'
import { errorMessage } from '../foundation/error-message.ts'
import type { RawConfig } from '../api/config-def.ts'
import type { SourceOffset, SourcePartition } from '../api/record.ts'
import { unreachable } from '../foundation/assert.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevel } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { LogSink } from '../foundation/logging/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import { traceOf } from './failures.ts'
import type { TaskSettings } from './task-settings.ts'
import { openHosting, releaseTask, type HostedTask, type Hosting } from './task-hosting.ts'
import { TaskThreadWatch, type BlockedThread, type BlockingLimits } from './task-thread-watch.ts'
import type { TaskState } from './task-thread/task-control.ts'
import type { FromTaskThread, TaskSamples, TaskStart } from './task-thread/task-thread-messages.ts'
import { ThreadEndedError } from './thread/thread-link.ts'

/** What running tasks tell the worker. A task is told by the object it was started with: a successor has another one. */
export interface TaskThreadEvents {
  onTaskState(start: TaskStart, state: TaskState, trace: string | null): void
  /** The task has ended. `cause` tells a failure of its own from the death of its thread. */
  onTaskFailed(start: TaskStart, trace: string, cause: 'task' | 'thread'): void
  /** The task lost its thread and is started again on another; its states follow. `trace` says why. */
  onTaskMoved(start: TaskStart, trace: string): void
  onTopic(start: TaskStart, topic: string): void
  onMetrics(id: TaskId, samples: TaskSamples['samples']): void
  readOffsets(connector: string, partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]>
}

export interface TaskThreadsOptions {
  readonly settings: TaskSettings
  readonly foundPlugins: readonly PluginDescriptor[]
  /** `task.threads.max`: from then on, tasks of one plugin share threads. */
  readonly maxThreads: number
  readonly blocking: BlockingLimits
  readonly logLevel: LogLevel
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly events: TaskThreadEvents
}

/** How long a thread may take to answer a ping before its event loop counts as blocked. Milliseconds. */
const pingMs = 2_000

/**
 * The threads that run tasks (D5): one task each until the limit, then tasks of one plugin share.
 *
 * Every run of a task is an incarnation, and a task has one at a time: the next one starts when nothing of the last can
 * run any more (I3). An incarnation that does not end, or leaves a call behind that does not return, is ended with its
 * thread; the tasks that shared it move to other threads. A task that blocked a thread that it shared has one of its own
 * from then on.
 */
export class TaskThreads {
  readonly #options: TaskThreadsOptions
  readonly #hostings = new Set<Hosting>()
  /** The incarnation that counts, by the task's name. */
  readonly #current = new Map<string, HostedTask>()
  /** Incarnations that are on their way out: a successor waits for them. */
  readonly #endings = new Map<string, Promise<void>>()
  /** Tasks that blocked a shared thread, with the config under which they did. */
  readonly #solitary = new Map<string, RawConfig>()
  readonly #watch: TaskThreadWatch
  #incarnations = 0
  #threads = 0

  constructor(options: TaskThreadsOptions) {
    this.#options = options
    this.#watch = new TaskThreadWatch({
      hostings: this.#hostings,
      limits: options.blocking,
      clock: options.clock,
      onBlocked: (blocked) => this.#blocked(blocked),
      onSilent: (task, trace) => options.events.onTaskState(task.start, task.state, withLast(trace, task.trace)),
    })
  }

  get threadCount(): number {
    return this.#hostings.size
  }

  /** What is known of threads that are blocked, and were. */
  get watch(): TaskThreadWatch {
    return this.#watch
  }

  has(id: TaskId): boolean {
    return this.#current.has(formatTaskId(id))
  }

  /** Hands the task to a thread; its states come through the events. @throws when its thread dies meanwhile. */
  async start(start: TaskStart, className: string): Promise<void> {
    const name = formatTaskId(start.id)
    if (this.#current.has(name)) await this.stop(start.id, this.#options.settings.gracefulMs)
    for (let ending = this.#endings.get(name); ending !== undefined; ending = this.#endings.get(name)) await ending
    await this.#begin(start, className, start.paused)
  }

  /**
   * Asks the task to end in order and waits, at most `timeoutMs`. One that does not end, or whose calls do not return, is
   * ended with its thread. Resolves when nothing of it can run any more.
   */
  async stop(id: TaskId, timeoutMs: number): Promise<void> {
    const name = formatTaskId(id)
    const task = this.#current.get(name)
    if (task === undefined) {
      await this.#endings.get(name)
      return
    }
    this.#current.delete(name)
    await this.#ending(name, this.#end(task, timeoutMs))
  }

  pause(id: TaskId): void {
    this.#setPaused(id, true)
  }

  resume(id: TaskId): void {
    this.#setPaused(id, false)
  }

  setLogLevel(level: LogLevel): void {
    for (const { thread } of this.#hostings) thread.link.send({ type: 'log-level', level })
  }

  /** Ends all threads at once; stop the tasks before. */
  async close(): Promise<void> {
    this.#watch.close()
    const hostings = [...this.#hostings]
    this.#hostings.clear()
    this.#current.clear()
    await Promise.all(hostings.map(async ({ thread }) => await thread.close()))
  }

  async #begin(start: TaskStart, className: string, paused: boolean): Promise<void> {
    const hosting = this.#placeFor(start, className)
    this.#incarnations += 1
    const task: HostedTask = {
      incarnation: this.#incarnations,
      start,
      hosting,
      paused,
      state: 'RESTARTING',
      trace: null,
    }
    hosting.tasks.set(task.incarnation, task)
    this.#current.set(formatTaskId(start.id), task)
    const { incarnation } = task
    try {
      await hosting.thread.link.ask<'start'>({ type: 'start', incarnation, start: { ...start, paused } })
    } catch (error) {
      // A task that is not the current one any more was reported, or stopped, before the answer came.
      if (this.#isCurrent(task) || !(error instanceof ThreadEndedError)) throw error
    }
  }

  #setPaused(id: TaskId, paused: boolean): void {
    const task = this.#current.get(formatTaskId(id))
    if (task === undefined) return
    task.paused = paused
    task.hosting.thread.link.send({ type: paused ? 'pause' : 'resume', incarnation: task.incarnation })
  }

  #isCurrent(task: HostedTask): boolean {
    return this.#current.get(formatTaskId(task.start.id)) === task
  }

  /** Notes that a task is on its way out, until it is. */
  async #ending(name: string, ended: Promise<void>): Promise<void> {
    const ending = Promise.all([this.#endings.get(name), ended]).then(
      () => undefined,
      (error: unknown) =>
        this.#options.logger.error(`task ${name} could not be ended: ${errorMessage(error)}`, { error }),
    )
    this.#endings.set(name, ending)
    await ending
    if (this.#endings.get(name) === ending) this.#endings.delete(name)
  }

  async #end(task: HostedTask, timeoutMs: number): Promise<void> {
    const { hosting, incarnation } = task
    if (hosting.left !== null) return await hosting.left
    const { clock, logger } = this.#options
    const stopped = hosting.thread.link.ask<'stop'>({ type: 'stop', incarnation }).catch((error: unknown) => {
      logger.warn(`task ${formatTaskId(task.start.id)} did not end in order: ${errorMessage(error)}`)
      return []
    })
    const leftovers = await settledWithin(clock, timeoutMs, stopped)
    if (leftovers?.length === 0) return await this.#release(task)
    const what = leftovers === null ? `did not stop within ${timeoutMs} ms` : leftBehind(leftovers)
    await this.#giveUp(task, what, timeoutMs)
  }

  /** Ends the thread of a task of which something still runs. */
  async #giveUp(task: HostedTask, what: string, drainMs: number): Promise<void> {
    const { hosting } = task
    const others = hosting.tasks.size - 1
    const innocent = others <= 0 ? '' : `, and the ${others} other tasks of the thread move to another one`
    this.#options.logger.warn(
      `task ${formatTaskId(task.start.id)} ${what}. Its thread is ended${innocent}; records may repeat.`,
    )
    const trace = `TASK_MOVED: the task's thread was ended, because task ${formatTaskId(task.start.id)}, which shared it, ${what}`
    await this.#leave(hosting, task, trace, drainMs)
  }

  /**
   * Ends a thread, wherever it is. Its tasks that are still wanted are started again on other threads, once nothing of
   * theirs can run any more.
   * @param without a task that is not started again, nor asked to end in order
   * @param drainMs how long the others may take to end in order, on a thread whose event loop turns
   */
  #leave(hosting: Hosting, without: HostedTask | null, trace: string, drainMs: number): Promise<void> {
    if (without !== null) hosting.tasks.delete(without.incarnation)
    hosting.left ??= this.#endThread(hosting, drainMs).then(() => {
      this.#hostings.delete(hosting)
      for (const task of hosting.tasks.values())
        if (this.#isCurrent(task)) void this.#move(task, hosting.className, trace)
    })
    return hosting.left
  }

  async #endThread(hosting: Hosting, drainMs: number): Promise<void> {
    const { clock } = this.#options
    const { link } = hosting.thread
    const others = [...hosting.tasks.values()]
    if (drainMs > 0 && others.length > 0) {
      const turns = await settledWithin(
        clock,
        pingMs,
        link.ask<'ping'>({ type: 'ping' }).then(() => true),
      )
      const stops = others.map(async ({ incarnation }) => await link.ask<'stop'>({ type: 'stop', incarnation }))
      if (turns === true) await settledWithin(clock, drainMs, Promise.allSettled(stops))
      else for (const stop of stops) stop.catch(() => undefined)
    }
    await hosting.thread.close()
  }

  async #move(task: HostedTask, className: string, trace: string): Promise<void> {
    const { events } = this.#options
    events.onTaskMoved(task.start, trace)
    try {
      await this.#begin(task.start, className, task.paused)
    } catch (error) {
      events.onTaskFailed(task.start, traceOf(error), 'thread')
    }
  }

  /** A task kept its thread from turning for longer than it may. */
  #blocked({ hosting, task, trace }: BlockedThread): void {
    if (hosting.left !== null) return
    const alone = hosting.tasks.size === 1
    const offenders = task === null ? [...hosting.tasks.values()] : [task]
    this.#options.logger.error(trace)
    if (alone) {
      const [only] = offenders
      if (only !== undefined) void this.#fail(only, trace, hosting)
      return
    }
    for (const { start } of offenders) this.#solitary.set(formatTaskId(start.id), start.connectorConfig)
    void this.#leave(hosting, null, trace, 0)
  }

  async #fail(task: HostedTask, trace: string, hosting: Hosting): Promise<void> {
    const name = formatTaskId(task.start.id)
    await this.#ending(name, this.#leave(hosting, task, trace, 0))
    if (!this.#isCurrent(task)) return
    this.#current.delete(name)
    this.#options.events.onTaskFailed(task.start, trace, 'task')
  }

  #placeFor(start: TaskStart, className: string): Hosting {
    const name = formatTaskId(start.id)
    if (this.#solitary.has(name) && this.#solitary.get(name) !== start.connectorConfig) this.#solitary.delete(name)
    const own = this.#solitary.has(name)
    const staying = [...this.#hostings].filter(({ left }) => left === null)
    const siblings = staying.filter((hosting) => hosting.className === className && !hosting.own)
    const least = siblings.toSorted((a, b) => a.tasks.size - b.tasks.size)[0]
    if (!own && least !== undefined && staying.length >= this.#options.maxThreads) return least
    this.#threads += 1
    const hosting = openHosting({
      ...this.#options,
      number: this.#threads,
      className,
      own,
      id: start.id,
      receive: (message) => this.#receive(hosting, message),
      onDeath: (reason) => this.#died(hosting, reason),
    })
    this.#hostings.add(hosting)
    return hosting
  }

  #receive(hosting: Hosting, message: FromTaskThread): unknown {
    const { events, logSink } = this.#options
    switch (message.type) {
      case 'state':
        return this.#ofCurrent(hosting, message.incarnation, (task) => {
          task.state = message.state
          task.trace = message.trace
          events.onTaskState(task.start, message.state, message.trace)
        })
      case 'failed':
        return this.#ofCurrent(hosting, message.incarnation, (task) =>
          this.#failed(task, message.trace, message.leftovers),
        )
      case 'topic':
        return this.#ofCurrent(hosting, message.incarnation, ({ start }) => events.onTopic(start, message.topic))
      case 'metrics':
        for (const { incarnation, samples } of message.tasks)
          this.#ofCurrent(hosting, incarnation, ({ start }) => events.onMetrics(start.id, samples))
        return undefined
      case 'read-offsets':
        return events.readOffsets(message.connector, message.partitions)
      case 'log':
        return logSink.write(message.level, message.name, message.message, message.fields)
      default:
        return unreachable(message, 'message of a task thread')
    }
  }

  /** What an incarnation says counts only while it is the task's current one, and keeps its thread. */
  #ofCurrent(hosting: Hosting, incarnation: number, action: (task: HostedTask) => void): void {
    const task = hosting.tasks.get(incarnation)
    if (task !== undefined && this.#isCurrent(task) && hosting.left === null) action(task)
  }

  #failed(task: HostedTask, trace: string, leftovers: readonly string[]): void {
    const name = formatTaskId(task.start.id)
    this.#current.delete(name)
    const ended =
      leftovers.length === 0
        ? this.#release(task)
        : this.#giveUp(task, `failed and ${leftBehind(leftovers)}`, this.#options.settings.gracefulMs)
    void this.#ending(name, ended)
    this.#options.events.onTaskFailed(task.start, trace, 'task')
  }

  /** All its tasks failed with it; who waits for its answers was told by the link. */
  #died(hosting: Hosting, reason: Error): void {
    if (hosting.left !== null) return
    this.#hostings.delete(hosting)
    const lost = [...hosting.tasks.values()].filter((task) => this.#isCurrent(task))
    this.#options.logger.error(reason.message, { tasks: lost.map(({ start }) => formatTaskId(start.id)) })
    for (const { start } of lost) this.#current.delete(formatTaskId(start.id))
    for (const { start } of lost) this.#options.events.onTaskFailed(start, traceOf(reason), 'thread')
  }

  async #release(task: HostedTask): Promise<void> {
    if (await releaseTask(task)) this.#hostings.delete(task.hosting)
  }
}

function leftBehind(leftovers: readonly string[]): string {
  return `ended, but its ${leftovers.join(', its ')}`
}

function withLast(trace: string | null, last: string | null): string | null {
  return trace === null || last === null ? (trace ?? last) : `${trace}\n${last}`
}
