import { type TaskId, formatTaskId } from '../../config/connector/task-id.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { ConnectError } from '../../api/errors.ts'
import { backoffMs, type Backoff } from '../../foundation/async/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { isRetriable, traceOf } from '../../runtime/failures.ts'
import type { TaskStart } from '../../runtime/task-thread/task-thread-messages.ts'
import type { Worker } from '../../runtime/worker.ts'
import type { WorkSet } from '../group/assignment.ts'
import type { ConfigFold } from '../config-fold.ts'
import type { RunState } from '../../storage/status-record.ts'
import { KeyedQueues } from './keyed-queues.ts'
import { planWork, type RunningConnector, type RunningTask } from './work-plan.ts'

/** Where states are written for everybody to see. */
export interface StatusWriter {
  putConnector(name: string, state: RunState, trace: string | null): void
  putTask(id: TaskId, state: RunState, trace: string | null): void
  /** As {@link putConnector}, but gives way to what a worker of a later generation wrote. */
  putConnectorSafely(name: string, state: RunState, trace: string | null): void
  putTaskSafely(id: TaskId, state: RunState, trace: string | null): void
}

export interface LocalWorkOptions {
  readonly worker: Pick<
    Worker,
    'startConnector' | 'stopConnector' | 'startTask' | 'stopTask' | 'pauseTask' | 'resumeTask'
  >
  readonly fold: ConfigFold
  readonly status: StatusWriter
  readonly clock: Clock
  readonly logger: Logger
  /** All tasks together get this long to end (`task.shutdown.graceful.timeout.ms`). */
  readonly gracefulMs: number
  /** The connector runs: its tasks may have to be made anew. */
  readonly onConnectorStarted: (connector: string) => void
}

const connectorBackoff: Backoff = { initialMs: 500, maxMs: 30_000 }

interface Instance extends RunningConnector {
  /** Fires when something else is wanted of the connector: a start that hangs is not waited for then. */
  readonly superseded: AbortController
  /** Whether there is, or may be, an instance in the plugin thread. */
  live: boolean
  failed: boolean
  attempts: number
}

interface HostedTask extends RunningTask {
  paused: boolean
  /** What it runs with. The worker tells of a task by this object, so an earlier run is never taken for this one. */
  start: TaskStart | null
  /** How often its thread died since it was assigned. */
  deaths: number
}

/** A start was given up, because the connector is to be stopped, or started with something else. */
class SupersededError extends ConnectError {}

/**
 * The connectors and tasks of this worker, brought to what configuration and assignment ask for. What is meant to run
 * is noted at once; carrying it out goes through one queue per instance and task, so that a plugin that hangs holds up
 * nobody else.
 */
export class LocalWork {
  readonly #options: LocalWorkOptions
  readonly #connectors = new Map<string, Instance>()
  readonly #tasks = new Map<string, HostedTask>()
  readonly #failedTasks = new Set<string>()
  readonly #queues = new KeyedQueues()
  #assigned: WorkSet = { connectors: [], tasks: [] }

  constructor(options: LocalWorkOptions) {
    this.#options = options
  }

  ownsConnector(name: string): boolean {
    return this.#connectors.has(name)
  }

  ownsTask(id: TaskId): boolean {
    return this.#tasks.has(formatTaskId(id))
  }

  /** What was assigned last. */
  get assigned(): WorkSet {
    return this.#assigned
  }

  /**
   * Begins whatever is needed to run `assigned`. What it returns resolves when everything has stopped that others may
   * be given: what is not configured any more, and what is started again here, is nobody else's to wait for.
   */
  reconcile(assigned: WorkSet = this.#assigned): Promise<void> {
    this.#assigned = assigned
    const { fold } = this.#options
    const plan = planWork(fold, assigned, { connectors: this.#connectors, tasks: this.#tasks })
    const released: Promise<void>[] = []
    const startsAgain = new Set(plan.startTasks.map(formatTaskId))
    for (const id of plan.stopTasks) {
      const stopped = this.#stopTask(id)
      if (id.task < fold.taskCount(id.connector) && !startsAgain.has(formatTaskId(id))) released.push(stopped)
    }
    for (const name of plan.stopConnectors) {
      const stopped = this.#stopConnector(name)
      if (fold.has(name)) released.push(stopped)
    }
    for (const name of plan.startConnectors) void this.#bring(name, this.#isOther(name)).catch(() => undefined)
    for (const id of plan.pauseTasks) this.#setPaused(id, true)
    for (const id of plan.resumeTasks) this.#setPaused(id, false)
    for (const id of plan.startTasks) this.#startTask(id)
    return Promise.all(released).then(() => undefined)
  }

  /** Stops and starts the instance and waits for it. @throws what the plugin throws on the way up. */
  async restartConnector(name: string): Promise<void> {
    if (this.#connectors.has(name)) await this.#bring(name, true)
  }

  /** Stops the task and starts it again; its state comes by its status. */
  async restartTask(id: TaskId): Promise<void> {
    const task = this.#tasks.get(formatTaskId(id))
    if (task === undefined) return
    await this.#queues.run(taskQueue(id), async () => {
      if (this.#tasks.get(formatTaskId(id)) !== task) return
      await this.#end(id)
      await this.#begin(task)
    })
  }

  isConnectorFailed(name: string): boolean {
    return this.#connectors.get(name)?.failed ?? false
  }

  isTaskFailed(id: TaskId): boolean {
    return this.#failedTasks.has(formatTaskId(id))
  }

  /** The instance reported an error of its own, or died with its thread. */
  connectorFailed(name: string, trace: string): void {
    const instance = this.#connectors.get(name)
    if (instance === undefined) return
    instance.failed = true
    this.#options.status.putConnectorSafely(name, 'FAILED', trace)
  }

  /** What a connector that runs waits for; null when nothing any more. Shown with its state. */
  connectorTrouble(name: string, trace: string | null): void {
    const instance = this.#connectors.get(name)
    if (instance === undefined || instance.failed || !instance.live || instance.targetState !== 'STARTED') return
    this.#options.status.putConnectorSafely(name, 'RUNNING', trace)
  }

  /** Instances are gone with their thread: they are started again. */
  connectorsLost(names: readonly string[], reason: Error): void {
    for (const name of names) {
      const instance = this.#connectors.get(name)
      if (instance?.live !== true) continue
      instance.live = false
      this.connectorFailed(name, traceOf(reason))
      this.#retryLater(name, instance)
    }
  }

  /** `trace` says what a task that runs waits for. */
  taskState(start: TaskStart, state: 'RUNNING' | 'PAUSED' | 'RESTARTING', trace: string | null): void {
    if (this.#runWith(start) !== null) this.#options.status.putTask(start.id, state, trace)
  }

  /** The task lost its thread through no stop of ours; it is being started again on another one. */
  taskMoved(start: TaskStart, trace: string): void {
    if (this.#runWith(start) !== null) this.#options.status.putTaskSafely(start.id, 'RESTARTING', trace)
  }

  /** A task that failed stays down until it is restarted; one that died with its thread is started again. */
  taskFailed(start: TaskStart, trace: string, cause: 'task' | 'thread'): void {
    const { id } = start
    const task = this.#runWith(start)
    if (task === null) return
    this.#failedTasks.add(formatTaskId(id))
    this.#options.status.putTaskSafely(id, 'FAILED', trace)
    if (cause === 'thread') this.#restartAfterDeath(id, task)
  }

  /** Stops everything, in order as far as the time allows. */
  async stopAll(): Promise<void> {
    void this.reconcile({ connectors: [], tasks: [] })
    await this.#queues.idle()
  }

  /** Whether the connector runs with another config than the one that is wanted. */
  #isOther(name: string): boolean {
    const before = this.#connectors.get(name)
    return before !== undefined && before.config !== this.#options.fold.config(name)
  }

  /** Brings a connector to what the configuration says, in place of whatever it does now. @throws what its start does */
  async #bring(name: string, isRestart: boolean): Promise<void> {
    const { fold } = this.#options
    const config = fold.config(name)
    if (config === null) return
    const before = this.#connectors.get(name)
    const instance: Instance = {
      config,
      targetState: fold.targetState(name),
      superseded: new AbortController(),
      live: before?.live ?? false,
      failed: false,
      attempts: 0,
    }
    this.#connectors.set(name, instance)
    supersede(name, before)
    await this.#queues.run(connectorQueue(name), async () => await this.#start(name, instance, isRestart))
  }

  /** Brings the instance to its target state. Failures are shown by its status, and thrown for those who wait. */
  async #start(name: string, instance: Instance, isRestart: boolean): Promise<void> {
    if (this.#connectors.get(name) !== instance) throw supersededError(name)
    const { worker, status, onConnectorStarted } = this.#options
    if (instance.live) await this.#stopInstance(name)
    if (isRestart) status.putConnectorSafely(name, 'UNASSIGNED', null)
    if (instance.targetState !== 'STARTED') {
      instance.live = false
      status.putConnector(name, instance.targetState, null)
      return
    }
    instance.live = true
    try {
      await abortable(worker.startConnector(name, instance.config), instance.superseded.signal)
    } catch (error) {
      if (error instanceof SupersededError) throw error
      instance.failed = true
      status.putConnectorSafely(name, 'FAILED', traceOf(error))
      this.#options.logger.error(`connector ${name} does not start: ${errorMessage(error)}`, { error })
      if (isRetriable(error)) this.#retryLater(name, instance)
      throw error
    }
    instance.failed = false
    instance.attempts = 0
    status.putConnector(name, 'RUNNING', null)
    this.#options.logger.info(`connector ${name} is RUNNING`)
    onConnectorStarted(name)
  }

  #retryLater(name: string, instance: Instance): void {
    instance.attempts += 1
    this.#options.clock.after(backoffMs(connectorBackoff, instance.attempts), () => {
      const start = async (): Promise<void> => await this.#start(name, instance, false).catch(() => undefined)
      if (this.#connectors.get(name) === instance) void this.#queues.run(connectorQueue(name), start)
    })
  }

  async #stopConnector(name: string): Promise<void> {
    const instance = this.#connectors.get(name)
    this.#connectors.delete(name)
    supersede(name, instance)
    await this.#queues.run(connectorQueue(name), async () => {
      if (instance?.live === true) await this.#stopInstance(name)
      if (this.#options.fold.has(name)) this.#options.status.putConnectorSafely(name, 'UNASSIGNED', null)
    })
  }

  async #stopInstance(name: string): Promise<void> {
    try {
      await this.#options.worker.stopConnector(name)
      this.#options.logger.info(`connector ${name} has stopped`)
    } catch (error) {
      this.#options.logger.warn(`connector ${name} did not stop in order: ${errorMessage(error)}`)
    }
  }

  #startTask(id: TaskId): void {
    const { fold } = this.#options
    const task: HostedTask = {
      id,
      generation: fold.taskGeneration(id.connector),
      paused: fold.targetState(id.connector) === 'PAUSED',
      deaths: 0,
      start: null,
    }
    this.#tasks.set(formatTaskId(id), task)
    void this.#queues.run(taskQueue(id), async () => await this.#begin(task))
  }

  async #begin(task: HostedTask): Promise<void> {
    const { fold, worker, status } = this.#options
    const { id } = task
    const connectorConfig = fold.appliedConfig(id.connector)
    const taskConfig = fold.tasks(id.connector)[id.task]
    const isCurrent = this.#tasks.get(formatTaskId(id)) === task
    if (!isCurrent || connectorConfig === null || taskConfig === undefined) return
    this.#failedTasks.delete(formatTaskId(id))
    const start = { id, connectorConfig, taskConfig, paused: task.paused }
    task.start = start
    try {
      await worker.startTask(start)
    } catch (error) {
      if (task.start !== start) return
      this.#failedTasks.add(formatTaskId(id))
      status.putTaskSafely(id, 'FAILED', traceOf(error))
      this.#options.logger.error(`task ${formatTaskId(id)} does not start: ${errorMessage(error)}`, { error })
    }
  }

  /** The task that runs with it; null when that is not wanted any more, or has been started again. */
  #runWith(start: TaskStart): HostedTask | null {
    const task = this.#tasks.get(formatTaskId(start.id))
    return task?.start === start ? task : null
  }

  async #stopTask(id: TaskId): Promise<void> {
    this.#tasks.delete(formatTaskId(id))
    await this.#queues.run(taskQueue(id), async () => await this.#end(id))
  }

  async #end(id: TaskId): Promise<void> {
    const { worker, gracefulMs, fold, status } = this.#options
    const wasFailed = this.#failedTasks.delete(formatTaskId(id))
    await worker.stopTask(id, gracefulMs)
    const stays = id.task < fold.taskCount(id.connector)
    if (stays && !wasFailed) status.putTaskSafely(id, 'UNASSIGNED', null)
  }

  #setPaused(id: TaskId, paused: boolean): void {
    const task = this.#tasks.get(formatTaskId(id))
    if (task === undefined) return
    task.paused = paused
    void this.#queues.run(taskQueue(id), async () => {
      if (paused) this.#options.worker.pauseTask(id)
      else this.#options.worker.resumeTask(id)
    })
  }

  #restartAfterDeath(id: TaskId, task: HostedTask): void {
    task.deaths += 1
    const waitMs = backoffMs(connectorBackoff, task.deaths)
    this.#options.logger.warn(`task ${formatTaskId(id)} is started again in ${Math.round(waitMs)} ms: its thread died`)
    this.#options.clock.after(waitMs, () => {
      void this.#queues.run(taskQueue(id), async () => {
        if (this.#tasks.get(formatTaskId(id)) === task && this.isTaskFailed(id)) await this.#begin(task)
      })
    })
  }
}

function connectorQueue(name: string): string {
  return `connector ${name}`
}

function taskQueue(id: TaskId): string {
  return `task ${formatTaskId(id)}`
}

function supersede(name: string, instance: Instance | undefined): void {
  instance?.superseded.abort(supersededError(name))
}

function supersededError(name: string): SupersededError {
  return new SupersededError(`connector ${name} was stopped, or started with something else, before it had started`)
}
