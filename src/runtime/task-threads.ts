import type { TaskStart } from './task-run.ts'
import { unreachable } from '../foundation/assert.ts'
import type { Clock } from '../foundation/clock.ts'
import type { TaskFlow } from '../diagnosis/flow/task-flow.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { LogSink } from '../foundation/logging/named-logger.ts'
import { traceOf } from './failures.ts'
import { errorMessage } from '../foundation/error-message.ts'
import {
  releaseTask,
  startTaskThread,
  type HostedTask,
  type HostedTaskThread,
  type TaskThreadOptions,
} from './hosted-task-thread.ts'
import { settledWithin } from '../foundation/async/deadline.ts'
import type { LabelledSample } from '../foundation/metrics/meters.ts'
import { TaskSampleTable } from './metrics/task-sample-table.ts'
import { formatTaskId, type TaskId } from '../config/connector/task-id.ts'
import type { TaskListener } from './task-listener.ts'
import { TaskPlacement } from './task-placement.ts'
import { TaskThreadWatch, type BlockedThread, type BlockingLimits } from './task-thread-watch.ts'
import type { FromTaskThread, ReadOffsets, TaskFailure } from './task-thread/task-thread-messages.ts'
import { ThreadEndedError } from './thread/thread-link.ts'

export interface TaskThreadsOptions extends TaskThreadOptions {
  /** `task.threads.max`: from this number on, tasks of one plugin share threads. */
  readonly maxThreads: number
  readonly blocking: BlockingLimits
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly listener: TaskListener
  /** Reads stored source offsets for the tasks. */
  readonly readOffsets: ReadOffsets
}

/** How long a thread may take to respond to a ping before its event loop counts as blocked. Milliseconds. */
const pingMs = 2_000

/**
 * The threads that run tasks; {@link TaskPlacement} chooses among them.
 *
 * Each run of a task is an incarnation. A task has one incarnation at a time: the next one starts when nothing of the
 * previous one can run any more (I3). If an incarnation does not end, or one of its calls does not return, its thread is
 * ended and the tasks that shared it move to other threads.
 */
export class TaskThreads {
  readonly #options: TaskThreadsOptions
  readonly #placement: TaskPlacement
  /** The incarnation that counts, by the name of the task. */
  readonly #current = new Map<string, HostedTask>()
  /** Incarnations that are ending, by the name of the task: its next incarnation waits for them. */
  readonly #endings = new Map<string, Promise<void>>()
  readonly #watch: TaskThreadWatch
  readonly #samples: TaskSampleTable
  #incarnations = 0

  constructor(options: TaskThreadsOptions) {
    this.#options = options
    this.#samples = new TaskSampleTable(options.clock)
    this.#placement = new TaskPlacement(options.maxThreads, (request) => {
      const host: HostedTaskThread = startTaskThread(options, {
        ...request,
        receive: (message) => this.#receive(host, message),
        onDeath: (reason) => this.#died(host, reason),
      })
      return host
    })
    this.#watch = new TaskThreadWatch({
      threads: this.#placement.threads,
      limits: options.blocking,
      clock: options.clock,
      onBlocked: (blocked) => this.#blocked(blocked),
      onSilent: (task, trace) => options.listener.onTaskState(task.start, task.state, joined(trace, task.trace)),
    })
  }

  get threadCount(): number {
    return this.#placement.threads.size
  }

  /** The metrics of the threads, and of the tasks as their threads sent them last. */
  samples(): readonly LabelledSample[] {
    return [...this.#watch.samples(), ...this.#samples.labelled()]
  }

  /** What moves through a task, by its last measurements; null if it does not run here. */
  flow(id: TaskId): TaskFlow | null {
    return this.#samples.flow(id)
  }

  has(id: TaskId): boolean {
    return this.#current.has(formatTaskId(id))
  }

  /** Starts the task on a thread; the listener receives its states. @throws ThreadEndedError when the thread dies meanwhile */
  async start(start: TaskStart, className: string): Promise<void> {
    const name = formatTaskId(start.id)
    if (this.#current.has(name)) await this.stop(start.id, this.#options.settings.gracefulMs)
    for (let ending = this.#endings.get(name); ending !== undefined; ending = this.#endings.get(name)) await ending
    await this.#begin(start, className, start.paused)
  }

  /**
   * Stops the task gracefully within `timeoutMs`. If it does not end, or one of its calls does not return, its thread is
   * ended. Resolves when nothing of the task can run any more.
   */
  async stop(id: TaskId, timeoutMs: number): Promise<void> {
    const name = formatTaskId(id)
    this.#samples.forget(id)
    const task = this.#current.get(name)
    if (task === undefined) {
      await this.#endings.get(name)
      return
    }
    this.#current.delete(name)
    await this.#trackEnding(name, this.#end(task, timeoutMs))
  }

  pause(id: TaskId): void {
    this.#setPaused(id, true)
  }

  resume(id: TaskId): void {
    this.#setPaused(id, false)
  }

  /** Ends all threads immediately; stop the tasks before. */
  async close(): Promise<void> {
    this.#watch.close()
    const threads = [...this.#placement.threads]
    this.#placement.threads.clear()
    this.#current.clear()
    await Promise.all(threads.map(async ({ thread }) => await thread.close()))
  }

  async #begin(start: TaskStart, className: string, paused: boolean): Promise<void> {
    this.#samples.forget(start.id)
    const host = this.#placement.place(start, className)
    this.#incarnations += 1
    const incarnation = this.#incarnations
    const task: HostedTask = { incarnation, start, host, paused, state: 'RESTARTING', trace: null }
    host.tasks.set(incarnation, task)
    this.#current.set(formatTaskId(start.id), task)
    try {
      await host.thread.link.ask<'start'>({ type: 'start', run: { ...start, paused, incarnation } })
    } catch (error) {
      // If the task is not current any more, its end was reported, or it was stopped, before the thread responded.
      if (this.#isCurrent(task) || !(error instanceof ThreadEndedError)) throw error
    }
  }

  #setPaused(id: TaskId, paused: boolean): void {
    const task = this.#current.get(formatTaskId(id))
    if (task === undefined) return
    task.paused = paused
    task.host.thread.link.send({ type: paused ? 'pause' : 'resume', incarnation: task.incarnation })
  }

  #isCurrent(task: HostedTask): boolean {
    return this.#current.get(formatTaskId(task.start.id)) === task
  }

  /** Its counts stay until it is stopped or started: an alarm about what has failed must not end with the task. */
  #ended({ start }: HostedTask): void {
    this.#current.delete(formatTaskId(start.id))
    this.#samples.keepCounts(start.id)
  }

  async #trackEnding(name: string, ended: Promise<void>): Promise<void> {
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
    const { host, incarnation } = task
    if (host.ending !== null) return await host.ending
    const { clock, logger } = this.#options
    const stopped = host.thread.link.ask<'stop'>({ type: 'stop', incarnation }).catch((error: unknown) => {
      logger.warn(`task ${formatTaskId(task.start.id)} did not stop gracefully: ${errorMessage(error)}`)
      return []
    })
    const leftovers = await settledWithin(clock, timeoutMs, stopped)
    if (leftovers?.length === 0) return await this.#release(task)
    const what = leftovers === null ? `did not stop within ${timeoutMs} ms` : leftBehind(leftovers)
    await this.#endWithThread(task, what, timeoutMs)
  }

  /** Ends the thread of a task of which something still runs. */
  async #endWithThread(task: HostedTask, what: string, drainMs: number): Promise<void> {
    const { host } = task
    const others = host.tasks.size - 1
    const moving = others <= 0 ? '' : `, and the ${others} other tasks of the thread move to another one`
    this.#options.logger.warn(
      `task ${formatTaskId(task.start.id)} ${what}. Its thread is ended${moving}; records may be repeated.`,
    )
    const trace = `TASK_MOVED: the task's thread was ended, because task ${formatTaskId(task.start.id)}, which shared it, ${what}`
    await this.#endThread(host, task, trace, drainMs)
  }

  /**
   * Ends a thread whatever it runs. Its other tasks, if they are still wanted, are started on other threads once nothing
   * of them can run on this one.
   * @param except a task that is neither stopped gracefully nor started elsewhere
   * @param drainMs how long the other tasks may take to stop gracefully, if the event loop of the thread runs
   */
  #endThread(host: HostedTaskThread, except: HostedTask | null, trace: string, drainMs: number): Promise<void> {
    if (except !== null) host.tasks.delete(except.incarnation)
    host.ending ??= this.#drain(host, drainMs).then(() => {
      this.#placement.threads.delete(host)
      for (const task of host.tasks.values()) if (this.#isCurrent(task)) void this.#move(task, host.className, trace)
    })
    return host.ending
  }

  async #drain(host: HostedTaskThread, drainMs: number): Promise<void> {
    const { clock } = this.#options
    const { link } = host.thread
    if (drainMs > 0 && host.tasks.size > 0) {
      const ping = link.ask<'ping'>({ type: 'ping' }).then(() => true)
      const isResponsive = (await settledWithin(clock, pingMs, ping)) === true
      const stops = [...host.tasks.values()].map(
        async ({ incarnation }) => await link.ask<'stop'>({ type: 'stop', incarnation }),
      )
      if (isResponsive) await settledWithin(clock, drainMs, Promise.allSettled(stops))
      else for (const stop of stops) stop.catch(() => undefined)
    }
    await host.thread.close()
  }

  async #move(task: HostedTask, className: string, trace: string): Promise<void> {
    const { listener } = this.#options
    this.#samples.forget(task.start.id)
    listener.onTaskMoved(task.start, trace)
    try {
      await this.#begin(task.start, className, task.paused)
    } catch (error) {
      listener.onTaskFailed(task.start, traceOf(error), 'thread')
    }
  }

  /** A task blocked its thread for longer than the limit. */
  #blocked({ host, task, trace }: BlockedThread): void {
    if (host.ending !== null) return
    this.#options.logger.error(trace)
    const suspects = task === null ? [...host.tasks.values()] : [task]
    if (host.tasks.size === 1) {
      const [only] = suspects
      if (only !== undefined) void this.#failBlocked(only, trace)
      return
    }
    for (const { start } of suspects) this.#placement.isolate(start)
    void this.#endThread(host, null, trace, 0)
  }

  async #failBlocked(task: HostedTask, trace: string): Promise<void> {
    await this.#trackEnding(formatTaskId(task.start.id), this.#endThread(task.host, task, trace, 0))
    if (!this.#isCurrent(task)) return
    this.#ended(task)
    this.#options.listener.onTaskFailed(task.start, trace, 'task')
  }

  #receive(host: HostedTaskThread, message: FromTaskThread): unknown {
    const { listener, logSink, readOffsets } = this.#options
    switch (message.type) {
      case 'state':
        return this.#ifCurrent(host, message.incarnation, (task) => {
          task.state = message.state
          task.trace = message.trace
          listener.onTaskState(task.start, message.state, message.trace)
        })
      case 'failed':
        return this.#ifCurrent(host, message.incarnation, (task) => this.#failed(task, message))
      case 'topic':
        return this.#ifCurrent(host, message.incarnation, ({ start }) => listener.onTaskTopic(start, message.topic))
      case 'secrets':
        return this.#ifCurrent(host, message.incarnation, ({ start }) => listener.onTaskSecrets(start, message.refresh))
      case 'metrics':
        for (const { incarnation, samples } of message.tasks)
          this.#ifCurrent(host, incarnation, ({ start }) => this.#samples.take(start.id, samples))
        return undefined
      case 'read-offsets':
        return readOffsets(message.connector, message.partitions)
      case 'log':
        return logSink.write(message.level, message.name, message.message, message.fields)
      default:
        return unreachable(message, 'message of a task thread')
    }
  }

  /** A message of an incarnation counts only while it is the current one of its task and its thread is not ending. */
  #ifCurrent(host: HostedTaskThread, incarnation: number, action: (task: HostedTask) => void): void {
    const task = host.tasks.get(incarnation)
    if (task !== undefined && this.#isCurrent(task) && host.ending === null) action(task)
  }

  #failed(task: HostedTask, { trace, leftovers, isTransient }: TaskFailure): void {
    this.#ended(task)
    const ended =
      leftovers.length === 0
        ? this.#release(task)
        : this.#endWithThread(task, `failed and ${leftBehind(leftovers)}`, this.#options.settings.gracefulMs)
    void this.#trackEnding(formatTaskId(task.start.id), ended)
    this.#options.listener.onTaskFailed(task.start, trace, isTransient ? 'transient' : 'task')
  }

  /** All tasks of the thread failed with it. The link has rejected the requests that waited for the thread. */
  #died(host: HostedTaskThread, reason: Error): void {
    if (host.ending !== null) return
    this.#placement.threads.delete(host)
    const lost = [...host.tasks.values()].filter((task) => this.#isCurrent(task))
    this.#options.logger.error(reason.message, { tasks: lost.map(({ start }) => formatTaskId(start.id)) })
    for (const task of lost) this.#ended(task)
    for (const { start } of lost) this.#options.listener.onTaskFailed(start, traceOf(reason), 'thread')
  }

  async #release(task: HostedTask): Promise<void> {
    if (await releaseTask(task)) this.#placement.threads.delete(task.host)
  }
}

function leftBehind(leftovers: readonly string[]): string {
  return `ended, but its ${leftovers.join(', its ')}`
}

function joined(trace: string | null, last: string | null): string | null {
  return trace === null || last === null ? (trace ?? last) : `${trace}\n${last}`
}
