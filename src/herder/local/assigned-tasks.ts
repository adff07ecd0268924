import type { TaskStart, TaskState } from '../../runtime/task-run.ts'
import { connectorRestarts, type RestartSettings } from '../../config/restart-settings.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { isTransient, traceOf } from '../../runtime/failures.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { FailureCause, TaskListener } from '../../runtime/task-listener.ts'
import type { TaskThreads } from '../../runtime/task-threads.ts'
import { formatTaskId, type TaskId } from '../../config/connector/task-id.ts'
import { changedSecrets, type SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { ClusterConfigState } from '../state/cluster-config-state.ts'
import type { EventCounts } from '../state/event-counts.ts'
import type { RecentEvents } from '../state/recent-times.ts'
import type { WorkerStatusStore } from '../state/worker-status-store.ts'
import { Endings, type Ending } from './endings.ts'
import { restartLine, RestartStreak } from './restart-streak.ts'
import type { KeyedQueues } from './keyed-queues.ts'
import type { RunningTask } from './work-plan.ts'

/** What runs tasks. */
export type TaskRunner = Pick<TaskThreads, 'start' | 'stop' | 'pause' | 'resume' | 'samples' | 'flow' | 'close'>

export interface AssignedTasksOptions {
  /** Called once. */
  readonly runTasks: (listener: TaskListener) => TaskRunner
  readonly configState: ClusterConfigState
  readonly statuses: WorkerStatusStore
  readonly plugins: PluginRegistry
  readonly queues: KeyedQueues
  /** How long tasks may take to stop (`task.shutdown.graceful.timeout.ms`). */
  readonly gracefulMs: number
  readonly topicTracking: boolean
  readonly events: EventCounts
  readonly recent: Pick<RecentEvents, 'restarts'>
  /** The defaults of connectors. */
  readonly restarts: RestartSettings
  readonly clock: Clock
  readonly logger: Logger
}

interface AssignedTask extends RunningTask {
  paused: boolean
  /** The current run, by which the listener recognizes it: an earlier run has another object. */
  run: TaskStart | null
  /** Its restarts after failures that may pass. */
  readonly streak: RestartStreak
  /** The restart that is scheduled, or waits until the connector is resumed; null: there is none. */
  pending: { readonly trace: string; readonly cancel: () => void } | null
}

/** The tasks that are assigned to this worker. One queue per task: a task that hangs delays no other. */
export class AssignedTasks implements TaskListener {
  readonly runner: TaskRunner
  readonly #options: AssignedTasksOptions
  readonly #tasks = new Map<string, AssignedTask>()
  readonly #stopping = new Endings<TaskId>()
  readonly #failed = new Set<string>()

  constructor(options: AssignedTasksOptions) {
    this.#options = options
    this.runner = options.runTasks(this)
  }

  /** By the text of their ids. */
  get assigned(): ReadonlyMap<string, RunningTask> {
    return this.#tasks
  }

  /** The tasks that stop. One of them may be assigned again: then it starts after that. */
  get stopping(): readonly Ending<TaskId>[] {
    return this.#stopping.list
  }

  has(id: TaskId): boolean {
    return this.#tasks.has(formatTaskId(id))
  }

  startTask(id: TaskId): void {
    const { configState, queues } = this.#options
    const task: AssignedTask = {
      id,
      generation: configState.taskGeneration(id),
      paused: configState.targetState(id.connector) === 'PAUSED',
      streak: new RestartStreak(),
      pending: null,
      run: null,
    }
    this.#tasks.set(formatTaskId(id), task)
    void queues.run(queueOf(id), async () => await this.#start(task))
  }

  /** Resolves when the task has stopped. */
  async stopTask(id: TaskId): Promise<void> {
    const name = formatTaskId(id)
    withoutRestart(this.#tasks.get(name))
    this.#tasks.delete(name)
    const ended = this.#options.queues.run(queueOf(id), async () => await this.#stop(id))
    await this.#stopping.track(name, { item: id, ended })
  }

  /** Resolves when no task of a connector starts, stops or runs here, provided that it is to run none. */
  async ended(connector: string): Promise<void> {
    const queues = queuesOf(connector)
    await this.#options.queues.settled((key) => key.startsWith(queues) && /^\d+$/.test(key.slice(queues.length)))
  }

  /** Stops the task and starts it again; its status shows the outcome. Earlier failures do not count any more. */
  async restartTask(id: TaskId): Promise<void> {
    const task = this.#tasks.get(formatTaskId(id))
    if (task === undefined) return
    withoutRestart(task)
    task.streak.reset()
    await this.#options.queues.run(queueOf(id), async () => {
      if (this.#tasks.get(formatTaskId(id)) !== task) return
      await this.#stop(id)
      await this.#start(task)
    })
  }

  setPaused(id: TaskId, paused: boolean): void {
    const task = this.#tasks.get(formatTaskId(id))
    if (task === undefined) return
    task.paused = paused
    this.#holdRestart(task)
    void this.#options.queues.run(queueOf(id), async () => {
      if (paused) this.runner.pause(id)
      else this.runner.resume(id)
    })
  }

  onTaskState(run: TaskStart, state: TaskState, trace: string | null): void {
    const task = this.#currentTask(run)
    if (task === null) return
    if (state !== 'RESTARTING') task.streak.running(this.#options.clock.monotonic())
    this.#options.statuses.putTask(run.id, state, trace)
  }

  onTaskTopic({ id }: TaskStart, topic: string): void {
    if (this.#options.topicTracking) this.#options.statuses.putTopic(id, topic)
  }

  onTaskMoved(run: TaskStart, trace: string): void {
    if (this.#currentTask(run) !== null) this.#options.statuses.putTaskSafe(run.id, 'RESTARTING', trace)
  }

  /** The task restarts, on this worker alone, which is the one that it is assigned to. */
  onTaskSecrets(run: TaskStart, refresh: SecretRefresh): void {
    if (this.#currentTask(run) === null) return
    const { events, statuses, logger } = this.#options
    events.secretsRead(run.id.connector, refresh)
    if (refresh.outcome !== 'changed') return
    const why = changedSecrets(refresh.references)
    logger.info(`task ${formatTaskId(run.id)} restarts: ${why}`)
    statuses.putTaskSafe(run.id, 'RESTARTING', `SECRET_CHANGED: ${why}`)
    void this.restartTask(run.id)
  }

  /** A task that failed for a reason that may pass, or whose thread died, is restarted after a delay. */
  onTaskFailed(run: TaskStart, trace: string, cause: FailureCause): void {
    const task = this.#currentTask(run)
    if (task === null) return
    if (cause === 'task') this.#showFailed(run.id, trace)
    else this.#failedForNow(task, trace)
  }

  async #start(task: AssignedTask): Promise<void> {
    const { configState, plugins, logger } = this.#options
    const { id } = task
    const connectorConfig = configState.appliedConfig(id.connector)
    const taskConfig = configState.tasks(id.connector)[id.task]
    const isAssigned = this.#tasks.get(formatTaskId(id)) === task
    if (!isAssigned || connectorConfig === null || taskConfig === undefined) return
    this.#failed.delete(formatTaskId(id))
    const run = { id, connectorConfig, taskConfig, paused: task.paused }
    task.run = run
    try {
      const { className } = plugins.connector(connectorConfig['connector.class'] ?? '')
      await this.runner.start(run, className)
    } catch (error) {
      if (task.run !== run) return
      logger.error(`task ${formatTaskId(id)} does not start: ${errorMessage(error)}`, { error })
      if (isTransient(error)) this.#failedForNow(task, traceOf(error))
      else this.#showFailed(id, traceOf(error))
    }
  }

  async #stop(id: TaskId): Promise<void> {
    const { gracefulMs, configState, statuses } = this.#options
    const hasFailed = this.#failed.delete(formatTaskId(id))
    await this.runner.stop(id, gracefulMs)
    const isConfigured = id.task < configState.taskCount(id.connector)
    if (!isConfigured) statuses.taskGone(id)
    else if (!hasFailed) statuses.putTaskSafe(id, 'UNASSIGNED', null)
  }

  #showFailed(id: TaskId, trace: string): void {
    this.#failed.add(formatTaskId(id))
    this.#options.statuses.putTaskSafe(id, 'FAILED', trace)
  }

  /** The assigned task of a run; null when the run is not the current one any more. */
  #currentTask(run: TaskStart): AssignedTask | null {
    const task = this.#tasks.get(formatTaskId(run.id))
    return task?.run === run ? task : null
  }

  /** Shows the failure, and schedules a restart unless there were too many in a row. */
  #failedForNow(task: AssignedTask, trace: string): void {
    const { configState, restarts, clock, logger } = this.#options
    const { id } = task
    withoutRestart(task)
    const settings = connectorRestarts(configState.appliedConfig(id.connector) ?? {}, restarts)
    const next = task.streak.failed(settings, clock.monotonic())
    this.#showFailed(id, next === null ? trace : `${trace}\n${restartLine(next, settings, clock.now())}`)
    if (next === null) return
    if (next.kind === 'none') {
      logger.error(`task ${formatTaskId(id)} was restarted ${next.attempts} times in a row, and stays FAILED`)
      return
    }
    logger.warn(`task ${formatTaskId(id)} restarts in ${Math.round(next.delayMs)} ms, restart ${next.attempt} in a row`)
    task.pending = { trace, cancel: clock.after(next.delayMs, () => this.#restart(task)) }
    if (task.paused) this.#holdRestart(task)
  }

  /** The time of a scheduled restart has come. A task that was stopped meanwhile is another one, or none. */
  #restart(task: AssignedTask): void {
    const { queues, events, recent, clock } = this.#options
    const { id } = task
    task.pending = null
    void queues.run(queueOf(id), async () => {
      if (this.#tasks.get(formatTaskId(id)) !== task || !this.#failed.has(formatTaskId(id))) return
      events.restarted(id.connector, id.task)
      recent.restarts.add(formatTaskId(id), clock.monotonic())
      await this.#start(task)
    })
  }

  /** While its connector is paused, a task is not restarted; afterwards it is. */
  #holdRestart(task: AssignedTask): void {
    const { pending } = task
    if (pending === null) return
    pending.cancel()
    if (!task.paused) {
      task.pending = null
      this.#failedForNow(task, pending.trace)
    } else this.#showFailed(task.id, pending.trace)
  }
}

function withoutRestart(task: AssignedTask | undefined): void {
  task?.pending?.cancel()
  if (task !== undefined) task.pending = null
}

function queueOf({ connector, task }: TaskId): string {
  return `${queuesOf(connector)}${task}`
}

/** The beginning of the keys of the queues of a connector's tasks. */
function queuesOf(connector: string): string {
  return `task ${connector}-`
}
