import { formatTaskId, type TaskId } from '../../../src/config/connector/task-id.ts'
import { settledWithin } from '../../../src/foundation/async/deadline.ts'
import type { TaskRunner } from '../../../src/herder/local/assigned-tasks.ts'
import type { TaskListener } from '../../../src/runtime/task-listener.ts'
import type { TaskStart } from '../../../src/runtime/task-run.ts'
import type { Actor } from '../world/actor.ts'
import type { Random } from '../world/random.ts'
import type { Surroundings } from './surroundings.ts'
import { TaskRun } from './task-run.ts'

export interface ScriptedTasksOptions {
  readonly around: Surroundings
  /** The main thread of the worker. */
  readonly main: Actor
  readonly random: Random
  readonly gracefulMs: number
  readonly mayWrite: () => boolean
  readonly listener: TaskListener
}

/**
 * A model of `TaskThreads`: each run of a task has an actor in the place of its thread, and exchanges messages with the main
 * thread. As there, a task has one run at a time, and a run that does not end in time is terminated.
 */
export class ScriptedTasks implements TaskRunner {
  readonly #options: ScriptedTasksOptions
  readonly #current = new Map<string, TaskRun>()
  readonly #endings = new Map<string, Promise<void>>()
  readonly #runs = new Set<TaskRun>()
  /** Requests to threads without a response. */
  readonly #waiting = new Map<TaskRun, Set<() => void>>()

  constructor(options: ScriptedTasksOptions) {
    this.#options = options
  }

  /** The threads that have not ended. */
  get runs(): ReadonlySet<TaskRun> {
    return this.#runs
  }

  async start(start: TaskStart): Promise<void> {
    const { around, main, mayWrite, gracefulMs } = this.#options
    const name = formatTaskId(start.id)
    if (this.#current.has(name)) await this.stop(start.id, gracefulMs)
    for (let ending = this.#endings.get(name); ending !== undefined; ending = this.#endings.get(name)) await ending
    const run = new TaskRun({ around, worker: main.host, start, number: around.nextNumber(), mayWrite })
    this.#current.set(name, run)
    this.#runs.add(run)
    await this.#asked(run, async () => {
      run.begin()
      this.#report(run)
    })
  }

  async stop(id: TaskId, timeoutMs: number): Promise<void> {
    const name = formatTaskId(id)
    const run = this.#current.get(name)
    if (run === undefined) {
      await this.#endings.get(name)
      return
    }
    this.#current.delete(name)
    const ending = Promise.all([this.#endings.get(name), this.#end(run, timeoutMs)]).then(() => undefined)
    this.#endings.set(name, ending)
    await ending
    if (this.#endings.get(name) === ending) this.#endings.delete(name)
  }

  pause(id: TaskId): void {
    this.#setPaused(id, true)
  }

  resume(id: TaskId): void {
    this.#setPaused(id, false)
  }

  samples(): [] {
    return []
  }

  flow(): null {
    return null
  }

  async close(): Promise<void> {
    this.endAll()
  }

  /** The process is gone, and its threads with it. */
  endAll(): void {
    for (const run of this.#runs) run.end()
    this.#runs.clear()
    this.#current.clear()
  }

  /** The thread of one task dies, as of a fault in native code. */
  killOne(): void {
    const runs = [...this.#current.values()]
    if (runs.length === 0) return
    const run = this.#options.random.pick(runs)
    this.#current.delete(run.task)
    this.#remove(run)
    const { main, listener } = this.#options
    main.schedule(0, 'thread died', () => listener.onTaskFailed(run.start, 'the thread has died', 'thread'))
  }

  #setPaused(id: TaskId, isPaused: boolean): void {
    const run = this.#current.get(formatTaskId(id))
    run?.actor.schedule(this.#messageMs(), 'message', () => {
      run.setPaused(isPaused)
      this.#report(run)
    })
  }

  /** The thread reports the state of its task. */
  #report(run: TaskRun): void {
    const state = run.isPaused ? 'PAUSED' : 'RUNNING'
    this.#options.main.schedule(this.#messageMs(), 'message', () =>
      this.#options.listener.onTaskState(run.start, state, null),
    )
  }

  async #end(run: TaskRun, timeoutMs: number): Promise<void> {
    await settledWithin(
      this.#options.main.clock,
      timeoutMs,
      this.#asked(run, async () => await run.stop()),
    )
    this.#remove(run)
  }

  #remove(run: TaskRun): void {
    run.end()
    this.#runs.delete(run)
    for (const resolve of this.#waiting.get(run) ?? []) resolve()
    this.#waiting.delete(run)
  }

  /** Sends a request to the thread, and waits for its response or for the end of the thread. */
  async #asked(run: TaskRun, action: () => Promise<void>): Promise<void> {
    const { main } = this.#options
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = this.#waiting.get(run) ?? new Set()
    this.#waiting.set(run, waiting.add(resolve))
    run.actor.schedule(this.#messageMs(), 'message', () => {
      void action().then(() => main.schedule(this.#messageMs(), 'message', resolve))
    })
    await promise
  }

  #messageMs(): number {
    return this.#options.random.between(0.05, 2)
  }
}
